# progress.sh - what a person sees while training: on a terminal one line that is redrawn, never wider
# than the terminal and never a second line; in a pipe plain lines without control characters.
. "$DGM_ROOT/tests/systems/lib.sh"
command -v script >/dev/null || skip "script is not installed"
script -qec true /dev/null >/dev/null 2>&1 || skip "no pseudo-terminal can be had here"
unset CI NO_COLOR
export TERM=xterm
gzip -dc "$digits.tra.csv.gz" | head -n 200 >x.csv
$dgmc "$DGM_ROOT/examples/vae/vae.dgm" -D H=60 -D D=2 --data x=x.csv:0-63
train="./vae train --data x=x.csv:0-63 --valid x=x.csv:0-63 --binarise threshold --steps 400 --overwrite --out run"
escape=$(printf '\033') return=$(printf '\r')

for width in 40 80 200; do
    script -qec "stty cols $width; $train" seen.txt >script.txt
    grep -c "$escape\[K" seen.txt >frames.txt || fail "no frame at width $width"
    # Frames begin with a return and end with an erasure; none fills the last column.
    tr '\r' '\n' <seen.txt | awk -v width=$width -v end="$escape[K" '
        index($0, end) { frames++; n = index($0, end) - 1
            if (n > width - 1) { print "a frame of " n " columns: " $0; bad = 1 }
            if ($0 !~ /^step .*[0-9]%/) { print "no frame: " $0; bad = 1 } last = $0 }
        END { if (!frames || last !~ /100%/) { print "the last frame: " last; bad = 1 }
              exit bad }' || fail "width $width"
    grep -q "checkpoint *run/last.safetensors" seen.txt || fail "no summary at width $width"
done
grep -q 'ETA' seen.txt || fail "no ETA on a wide terminal"

# An error takes the place of the line.
script -qec "stty cols 80; $train --lr 1e18" seen.txt >script.txt || true
tr '\r' '\n' <seen.txt | grep "^$escape\[Kerror: " >/dev/null || fail "the error stands behind the bar"

$train >out.txt 2>err.txt
! grep -q "$escape\|$return" out.txt err.txt || fail "control characters in a pipe"
grep -q '^step 400/400' err.txt || fail "no last line: $(cat err.txt)"
