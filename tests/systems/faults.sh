# faults.sh [all] - whatever call of a checkpoint save fails, or at whatever call the trainer is
# killed, a whole checkpoint is left, and going on from it gives the bits of a run never disturbed.
# A failure is exit code 4 with the file and the reason, and no temporary file stays.
# `all`: killed or failing at every call on files of a whole run, not of one save.
. "$DGM_ROOT/tests/systems/lib.sh"
command -v strace >/dev/null || skip "strace is not installed"
strace -o /dev/null true 2>/dev/null || skip "ptrace is not permitted"
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"    # LeakSanitizer cannot work under ptrace

gzip -dc "$digits.tra.csv.gz" | head -n 200 >x.csv
quick_dgmc "$DGM_ROOT/examples/vae/vae.dgm" -D H=16 -D D=2 --data x=x.csv:0-63
data="--data x=x.csv:0-63"
options="$data --valid x=x.csv:0-63 --binarise threshold --batch 100 --steps 4 --save-every 2 --threads 1 --quiet"
train="./vae train $options --out"     # saves after steps 0, 2 and 4; `best` first
resume="./vae train --resume --threads 1 --quiet --out"
calls='/^(open|write|fsync|close|rename|link|unlink|ftruncate|mkdir)'
traced="strace -o trace.txt -e trace=$calls"

# usable STEP...: going on from what is left, which is of one of the steps, ends as if nothing had been.
usable() {
    ends_alike $resume part
    step=$(sed -n '/"resumed"/,$ s/.*"step": *\([0-9]*\).*/\1/p' part/run.json | tail -1)
    case " $* " in *" $step "*) ;; *) fail "$what: went on from step ${step:-unknown}" ;; esac
}
ends_alike() {
    "$@" 2>err.txt || fail "$what: cannot go on: $(cat err.txt)"
    same whole/last.safetensors part/last.safetensors
    same whole/best.safetensors part/best.safetensors
    sed 's/,"steps_per_second":[^,}]*//' part/metrics.jsonl >metrics.txt
    same whole.txt metrics.txt
    no_temporary
}
no_temporary() { [ -z "$(find part -name '*.tmp')" ] || fail "$what: left behind: $(find part -name '*.tmp')"; }

# inject CODE CALL K EFFECT [COMMAND...]: a new run whose K-th CALL fails or is a signal's moment.
inject() {
    want=$1 call=$2 k=$3 effect=$4; shift 4
    what="$effect at $call $k"
    if [ $# -eq 0 ]; then rm -rf part; set -- $train part; fi
    expect_rc "$want" $traced -e "inject=$call:$effect:when=$k" "$@"
}
error_of() { case $1 in write) echo ENOSPC ;; fsync | close | unlink*) echo EIO ;; *) echo EDQUOT ;; esac; }
sentence_of() {
    case $1 in ENOSPC) echo "No space left on device" ;; EIO) echo "Input/output error" ;;
    EDQUOT) echo "Disk quota exceeded" ;; EFBIG) echo "File too large" ;; esac
}
names_it() {
    grep "^error: .*part.*: $(sentence_of "$1")" err.txt >/dev/null || fail "$what: says $(cat err.txt)"
    no_temporary
}

$traced $train whole
sed 's/,"steps_per_second":[^,}]*//' whole/metrics.jsonl >whole.txt
# Every call on files: its name, its how-manieth it is, its line.
awk -F'(' '/^[a-z]/ { print $1, ++n[$1], $0 }' trace.txt >calls.txt
# Those of the save after step 2, and whether a failure matters: not where a temporary that is not
# there is removed, nor where a file system cannot open directories.
awk '/best.safetensors.tmp/ && !done { on = 1 }
     on { directory = directory || /O_DIRECTORY/
          print $1, $2, $1 ~ /^unlink/ || (directory && $1 !~ /^fsync/) ? "harmless" : "matters" }
     on && /last.safetensors.tmp/ && /^rename/ { last = 1 }
     directory && /^close/ { directory = 0; if (last) { on = 0; done = 1 } }' calls.txt >save.txt
[ "$(grep -c matters save.txt)" -ge 12 ] || fail "a save is: $(cat save.txt)"

if [ "${1:-}" = all ]; then
    sed -n '/whole/,$p' calls.txt | while read -r call k line; do
        inject 137 "$call" "$k" signal=KILL
        [ -e part/run.json ] && ends_alike $resume part || ends_alike $train part
        rm -rf part; got=0
        what="error at $call $k"
        $traced -e "inject=$call:error=ENOSPC:when=$k" $train part >out.txt 2>err.txt || got=$?
        case $got in 0 | 3 | 4) ;; *) fail "$what: exit $got: $(cat err.txt)" ;; esac
        [ $got -ne 4 ] || names_it ENOSPC
        [ -e part/run.json ] && ends_alike $resume part || ends_alike $train part
    done
    exit 0
fi

while read -r call k matters; do
    inject 137 "$call" "$k" signal=KILL
    usable 0 2
    error=$(error_of "$call")
    if [ "$matters" = matters ]; then
        inject 4 "$call" "$k" "error=$error"
        names_it "$error"
        usable 0 2
    else
        inject 0 "$call" "$k" "error=$error"
        ends_alike true
    fi
done <save.txt

write=$(awk '$1 == "write" { print $2; exit }' save.txt)
for error in EIO EDQUOT EFBIG; do
    inject 4 write "$write" error=$error
    names_it $error
    usable 0
done
inject 0 write "$write" error=EINTR; ends_alike true
inject 0 fsync "$(awk '$1 == "fsync" { print $2; exit }' save.txt)" error=EINTR; ends_alike true

# No hard links there: `previous` is made by renaming.
link=$(awk '$1 ~ /^link/ { print $1, $2; exit }' save.txt)
inject 0 ${link% *} ${link#* } error=EPERM; ends_alike true

# Metrics that cannot be written.
inject 4 write "$(awk '$1 == "write" && /kind/ { print $2; exit }' calls.txt)" error=ENOSPC
names_it ENOSPC; usable 0

# Asked to stop in the middle of a save: it is finished, the step is saved, the signal is passed on.
inject 143 write "$write" signal=TERM; usable 2
inject 130 write "$write" signal=INT; usable 2

# A damaged `last`: the run goes on from `previous`, and no kill before its first save is done takes
# that away.
rename=$(awk '$1 ~ /^rename/ { print $1; exit }' save.txt)
for at in "${link% *} 1" "${link% *} 2" "$rename 1" "$rename 2" "$rename 3" "$rename 4" "$rename 5"; do
    rm -rf part; $train part
    printf X | dd of=part/last.safetensors bs=1 seek=5000 conv=notrunc 2>dd.txt
    inject 137 ${at% *} ${at#* } signal=KILL $resume part
    what="damaged, then killed at $at"
    usable 2
done

# ---- without injection ------------------------------------------------------------------------------
refused() {                            # refused WHAT-IT-SAYS COMMAND...: exit 4
    says=$1; shift; what=$*
    expect_rc 4 "$@"
    grep "error.*$says" err.txt >/dev/null || fail "$what: says $(cat err.txt)"
}
limited() { sh -c 'ulimit -f 16; exec "$@"' limited "$@"; }    # 8 kB a file
spec=$DGM_ROOT/examples/vae/vae.dgm
refused "standard output: No space left" sh -c "$dgmc explain $spec -D P=4 >/dev/full"
refused "out.c: File too large" limited $dgmc $spec -D P=4 --emit=c -o out.c
[ -z "$(find . -name 'out.c*')" ] || fail "the compiler left $(find . -name 'out.c*')"
ln -s /dev/full full.csv
refused "full.csv: No space left" ./vae sample whole -n 9 --out full.csv
refused "stdout: No space left" sh -c "./vae sample whole -n 9 --out - >/dev/full"
refused "stdout: No space left" sh -c "./vae eval whole $data --samples 0 >/dev/full"
refused "cannot make the directory /proc/part" $train /proc/part
rm -rf part; cp -r whole part

# The checkpoint is beyond the limit, and the last one stands.
refused "part/best.safetensors: File too large" limited ./vae train --resume --steps 8 --quiet --out part
no_temporary; same whole/last.safetensors part/last.safetensors
refused "s.npy: File too large" limited ./vae sample part -n 1000 --out s.npy
[ ! -e s.npy ] || fail "a part of s.npy is left"

# A disk of 64 kB, and a folder that is not ours, where this may be arranged.
mkdir disk
what="a full disk"
if unshare -rm mount -t tmpfs none disk 2>/dev/null; then
    full='mount -t tmpfs -o size=64k none disk && mkdir disk/part && cp part/run.json part/last.safetensors disk/part &&
        { rc=0; "$@" --steps 8 --quiet --out disk/part || rc=$?; ls disk/part >left.txt; cp disk/part/last.safetensors left; exit $rc; }'
    refused "disk/part/.*: No space left on device" unshare -rm sh -c "$full" disk ./vae train --resume
    same left whole/last.safetensors
    ! grep tmp left.txt || fail "a temporary file is left on the full disk"
fi
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 555 locked
    refused "locked.*: Permission denied" $train locked/part
fi
