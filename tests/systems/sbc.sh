# sbc.sh - simulation-based calibration (Talts et al. 2018): a value is drawn from the prior and data
# from the model, and the place of the value in the fitted posterior is noted. Over many data sets these
# are uniform where the posterior is right, by chi-squared with p > 1e-4: for three models that full
# rank fits exactly. Mean field on a strongly correlated posterior is found out: p < 1e-6.
. "$DGM_ROOT/tests/systems/lib.sh"
ranks=$DGM_BUILD/tests/ranks
rounds=300

# calibrate MODEL FAMILY SECTION NAME..: p of the shares of each latent
calibrate() {
    model=$1 family=$2 section=$3
    shift 3
    rm -f ./*.shares
    i=0
    while [ $i -lt $rounds ]; do
        i=$((i + 1))
        ./$model simulate $given --seed $i --out true.json --quiet || fail "$model: simulate"
        ./$model posterior --data true.json --draws 200 --family "$family" --seed $i --threads 1 \
            --out fit --quiet 2>err.txt || { cat err.txt; fail "$model: posterior"; }
        for name in "$@"; do
            "$ranks" rank true.json fit/report.json "$name" "$section" >>"$name.shares" ||
                fail "$model: $name"
        done
    done
    for name in "$@"; do
        line=$("$ranks" test 21 <"$name.shares") || fail "$model: test of $name"
        echo "$model, $family, $name: chi-squared $line"
        echo "${line#* }" >"$name.p"
    done
}
uniform() { for name in "$@"; do holds "$(cat "$name.p") > 1e-4" "$model: $name"; done; }

cat >mean.dgm <<'END'
model mean {
  data y[N] : real
  latent m : real ~ normal(1, 2)
  for n in N { y[n] ~ normal(m, 1.5) }
}
END
cat >nested.dgm <<'END'
model nested {
  data y[N] : real
  latent top : real ~ normal(0, 2)
  latent below : real ~ normal(top, 0.3)
  for n in N { y[n] ~ normal(below, 1) }
}
END
cat >line.dgm <<'END'
model line {
  data x[N] : real
  data y[N] : real
  latent a : real ~ normal(0, 1)
  latent b : real ~ normal(0, 1)
  for n in N { y[n] ~ normal(a + b * x[n], 0.5) }
}
END
echo '{"x": [1.8, 1.9, 2.0, 2.1, 2.2, 2.4]}' >x.json
for m in mean nested line; do quick_dgmc $m.dgm --precision f64 -o ./$m; done

given="-n 5"
calibrate mean fullrank posterior m && uniform m
calibrate nested fullrank posterior top below && uniform top below
given="--data x.json"
calibrate line fullrank posterior a b && uniform a b
calibrate line meanfield family a b
for name in a b; do holds "$(cat $name.p) < 1e-6" "mean field passes for $name"; done
