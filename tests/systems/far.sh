# far.sh - posteriors of which a mode lies far from the place where fits begin, against sums over a
# grid: data that disagree, in three units; the frequency of a wave at a few times; a scale of which all
# values near 1 are impossible. A family that can follow one mode only says that there is another; the
# mode alone is the highest.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE=$scratch/cache

# grid NAME FROM TO FORMULA: log evidence, mean and sd of the density whose logarithm is FORMULA of u,
# in awk
grid() {
    awk "function student(z) { return log(1 / (2 * sqrt(2))) - 1.5 * log(1 + z * z / 2) }
         function normal(z) { return -z * z / 2 - log(2 * 3.141592653589793) / 2 }
         BEGIN { n = 40000; h = ($3 - ($2)) / n
                 for (i = 0; i <= n; i++) {
                     u = $2 + i * h; l[i] = $4
                     if (i == 0 || l[i] > top) top = l[i]
                 }
                 for (i = 0; i <= n; i++) {
                     u = $2 + i * h; w = exp(l[i] - top)
                     all += w; sum += w * u; square += w * u * u
                 }
                 m = sum / all
                 sd = sqrt(square / all - m * m)
                 printf \"%.10g %.10g %.10g\n\", top + log(all * h), m, sd }" >"$1.grid"
}
# fitted NAME: the fits of NAME.dgm to NAME.json agree with NAME.grid, and warn of nothing
fitted() {
    read -r evidence mean sd <"$1.grid"
    for seed in 1 2; do
        "$dgmc" run "$1.dgm" --data "$1.json" --seed $seed --json --quiet --strict >out.json ||
            fail "$1: a warning"
        tr -d ' \n' <out.json >all.json
        sed 's/.*"posterior":{//' all.json >part.json
        sed 's/.*"evidence":{//' all.json >evidence.json
        m=$(json part.json mean) s=$(json part.json sd) e=$(json evidence.json log)
        echo "$1: mean $m for $mean, sd $s for $sd, log evidence $e for $evidence"
        holds "($m - $mean)^2 < (0.05 * $sd)^2" "mean of $1"
        holds "$s > 0.95 * $sd && $s < 1.05 * $sd" "sd of $1"
        holds "($e - $evidence)^2 < 0.05^2" "evidence of $1"
    done
}

# apart NAME FIRST SECOND SCALE: two readings at one place, two at another, 28 sds of a mode away or
# more
apart() {
    cat >"$1.dgm" <<END
model apart {
  data y[N] : real
  latent a : real ~ flat
  for n in N { y[n] ~ student_t(2, a, $4) }
}
END
    echo "{\"y\": [$3, $3, $2, $2]}" >"$1.json"
    grid "$1" "$2 - 200 * $4" "$3 + 200 * $4" \
        "2 * student((u - $2) / $4) + 2 * student((u - $3) / $4) - 4 * log($4)"
    fitted "$1"
}
apart apart 0 10 0.5
apart far 100 110 0.5
apart small 0.1 0.2 0.002

# a wave at times 0.9 apart: frequencies that differ by 2 pi / 0.9 fit it alike
cat >wave.dgm <<'END'
model wave {
  data x[N], y[N] : real
  latent f : real ~ normal(0, 3)
  for n in N { y[n] ~ normal(sin(f * x[n]), 0.6) }
}
END
y='(sin(1.98 * j) + 0.5 * sin(37 * j * j))'
awk "BEGIN { for (j = 0; j < 12; j++) { c = j ? \", \" : \"\"; xs = xs c 0.9 * j; ys = ys c $y }
             print \"{\\\"x\\\": [\" xs \"], \\\"y\\\": [\" ys \"]}\" }" >wave.json
terms='normal(u / 3) - log(3) - 12 * log(0.6)'
for j in 0 1 2 3 4 5 6 7 8 9 10 11; do
    terms="$terms + normal(($(echo "$y" | sed "s/j/$j/g") - sin(0.9 * $j * u)) / 0.6)"
done
grid wave -16 16 "$terms"
fitted wave

# distances in metres, binned: of the scales that fits begin at, e^-2 to e^2, none leaves the last bin a
# probability above 0
cat >bins.dgm <<'END'
model bins {
  data edge[K + 1] : real
  data y[K] : count
  latent u : real ~ normal(8, 2)
  for k in K { factor y[k] * log(exp(-edge[k] / exp(u)) - exp(-edge[k + 1] / exp(u))) }
}
END
echo '{"edge": [0, 4000, 8000, 12000], "y": [40, 15, 6]}' >bins.json
bin() { echo "$1 * log(exp(-4000 * $2 / exp(u)) - exp(-4000 * ($2 + 1) / exp(u)))"; }
grid bins 6 11 "normal((u - 8) / 2) - log(2) + $(bin 40 0) + $(bin 15 1) + $(bin 6 2)"
fitted bins

# one mode alone, and the highest of two
for family in fullrank laplace; do
    expect_rc 7 "$dgmc" run apart.dgm --data apart.json --family $family --strict
    grep -q '^warning: modes: there is another mode' err.txt || fail "$family: $(cat err.txt)"
done
echo '{"y": [110, 110, 110, 100, 100]}' >far.json
"$dgmc" run far.dgm --data far.json --family map --json --quiet 2>err.txt | tr -d ' \n' >out.json
sed 's/.*"posterior":{//' out.json >part.json
holds "$(json part.json mean) > 109 && $(json part.json mean) < 111" "the highest mode"
