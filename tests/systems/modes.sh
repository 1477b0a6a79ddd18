# `run` where a posterior has several modes: most of the mass is where few descents lead, and what
# is left lies far off. Exact moments of a mixture of three normal laws.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE="$scratch/cache"

cat >three.dgm <<'END'
model three {
  data from[3, 2] : real;  data width : positive
  latent x[2] : real ~ flat
  factor logsumexp([
    log(0.01) + sum[d in 2](logpdf(normal(from[0, d], 0.7), x[d])),
    log(0.01) + sum[d in 2](logpdf(normal(from[1, d], 0.7), x[d])),
    log(0.98) + sum[d in 2](logpdf(normal(from[2, d], width), x[d]))])
}
END
# exact WIDTH A: mean and sd of x[0] and x[1], which are alike; the modes are at -1.5, 1 and A
exact() {
    awk -v s="$1" -v a="$2" 'BEGIN { m = 0.01 * (-1.5 + 1) + 0.98 * a
        v = 0.01 * (1.5 ^ 2 + 1 + 2 * 0.49) + 0.98 * (a * a + s * s) - m * m; print m, sqrt(v) }'
}
for case in "0.15 1.2" "0.1 1.5"; do
    set -- $case
    echo "{\"from\": [[-1.5, 1], [1, -1.5], [$2, $2]], \"width\": $1}" >data.json
    set -- $(exact "$1" "$2")
    for seed in 1 2 3 4 5; do
        $dgmc run three.dgm --data data.json --seed "$seed" --quiet --json >report.json 2>warnings.txt ||
            fail "$case seed $seed"
        { tr -d ' \n' <report.json; echo; } | tr , ' ' |
            sed 's/.*"posterior":{"x":{"mean":\[\([^]]*\)\] "sd":\[\([^]]*\)\].*/\1 \2/' >got.txt
        read -r m0 m1 s0 s1 <got.txt
        for m in "$m0" "$m1"; do
            holds "($m - $1) ^ 2 < (0.1 * $2) ^ 2" "$case, seed $seed: mean $m of $1"
        done
        for s in "$s0" "$s1"; do
            holds "$s > 0.75 * $2 && $s < 1.25 * $2" "$case, seed $seed: sd $s of $2"
        done
        grep -q '"code": "modes"' report.json && fail "$case, seed $seed: $(cat warnings.txt)"
    done
done
exit 0
