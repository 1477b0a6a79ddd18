# check_grad.sh - for every example, the emitted gradient against central differences of the emitted
# objective, in double precision, at perturbed parameters: relative 1e-6.
. "$DGM_ROOT/tests/systems/lib.sh"
data=$DGM_ROOT/examples/data
n=0
check() {
    name=$1; shift
    quick_dgmc "$DGM_ROOT/examples/$name/$name.dgm" --only=step --precision f64 "$@"
    ./$name check-grad --tol 1e-6 || fail "$name"
    n=$((n + 1))
}
check vae -D P=64 -D H=20 -D D=5
check linear_vae -D D=4
check regression --data X=$data/iris.csv:0-2
check logistic --data X=$data/iris_pair.csv:0-3
own=$(for f in "$DGM_ROOT"/examples/*/*.dgm; do
    [ "$(basename "$f" .dgm)" = "$(basename "$(dirname "$f")")" ] && echo "$f"; done | wc -l)
[ $n -eq "$own" ] || fail "an example is not checked here"          # posteriordb: posteriordb.sh
