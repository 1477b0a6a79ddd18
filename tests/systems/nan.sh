# nan.sh - training that leaves the numbers stops with exit code 5, names the term with its formula and
# its line of the spec, and leaves the last good checkpoint standing and usable.
. "$DGM_ROOT/tests/systems/lib.sh"

# A user's own density falls to nothing at an edge, and a long step passes it: log of a negative number.
cat >cliff.dgm <<'SPEC'
distribution edged(edge : real) on real {
  logpdf(x) = log(edge - x) - sq(edge - x) / 2
}
model cliff {
  data x[N] : real
  param m : real init normal(4, 0.01)
  for n in N {
    x[n] ~ edged(m)
  }
}
SPEC
seq 0 0.01 3 >x.csv

# stopped LINE TERM FORMULA COMMAND...: exit 5 with all of them; the checkpoint named is there, whole.
stopped() {
    line=$1 term=$2 formula=$3; shift 3
    rm -rf run
    expect_rc 5 "$@" --out run --quiet
    head -1 err.txt | grep "^error: .*\.dgm:$line: $term.*not .*finite.*$formula" >/dev/null ||
        fail "line $line, $term: says $(cat err.txt)"
    step=$(sed -n 's/.*run\/last.safetensors (step \([0-9]*\)) stands.*/\1/p' err.txt)
    [ -n "$step" ] || fail "does not say what stands: $(cat err.txt)"
    case $(cat run/metrics.jsonl) in *null* | *nan* | *inf*) fail "metrics hold no numbers" ;; esac
}
quick_dgmc cliff.dgm --only=step,weight
stopped 8 'term `x`' 'log edged' ./cliff train --data x=x.csv --steps 50 --lr 0.3 --save-every 2
[ "$step" -ge 2 ] || fail "stopped at once: nothing is proved about the checkpoint"
./cliff eval run --data x=x.csv --json >eval.json
[ "$(json eval.json step)" = "$step" ] || fail "step $(json eval.json step) is left, not $step"
# Going on with a smaller step size, as the message advises, works.
./cliff train --resume --out run --lr 0.001 --quiet
[ "$(tail -1 run/metrics.jsonl | tr ',' '\n' | grep -c '"step":50')" = 1 ] || fail "did not go on to step 50"

# From a start that is beyond the edge no step can be made; evaluation names the term as well.
sed 's/normal(4/normal(1/' cliff.dgm >beyond.dgm
quick_dgmc beyond.dgm --only=step,weight
expect_rc 5 ./beyond train --data x=x.csv --steps 50 --quiet --out start
grep 'beyond.dgm:8: term `x`.*at step 0: ' err.txt >/dev/null || fail "says $(cat err.txt)"
grep 'help: no step was made' err.txt >/dev/null || fail "says $(cat err.txt)"
expect_rc 5 ./beyond eval start --data x=x.csv
grep 'beyond.dgm:8: term `x`.*in the evaluation: ' err.txt >/dev/null || fail "says $(cat err.txt)"

# A real model and a hopeless step size.
quick_dgmc "$DGM_ROOT/examples/vae/vae.dgm" -D H=16 -D D=2 -D P=64
gzip -dc "$digits.tra.csv.gz" | head -n 200 >digits.csv
data="--data x=digits.csv:0-63"
stopped '[0-9]*' '' '' ./vae train $data --binarise threshold --steps 500 --lr 1e18 --save-every 1
./vae eval run $data --samples 0 --json >eval.json
[ "$(json eval.json step)" = "$step" ] || fail "step $(json eval.json step) is left, not $step"
