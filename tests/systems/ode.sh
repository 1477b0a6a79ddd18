# ode.sh - solutions of differential equations against known ones, values and gradients; the order of
# rk4; an equation in every row; what cannot be solved is NaN, named, and wrong calls are refused.
. "$DGM_ROOT/tests/systems/lib.sh"

# distance A B: the largest difference of their numbers, relative to those above 1
distance() {
    paste "$1" "$2" | awk '{ d = $1 - $2; s = $2 < 0 ? -$2 : $2; d = (d < 0 ? -d : d) / (s > 1 ? s : 1)
        if (!(d <= worst)) worst = d } END { print worst + 0 }'
}
# solved NAME SOLUTION METHOD: the model with its solution written as z(a, t)
solved() {
    sed "s/SOLUTION/$2/; s/METHOD/$3/" "$1.dgm" >model.dgm
    quick_dgmc model.dgm --only=log_prob --data "$1.json" -o ./model || fail "$1 ($2$3) does not compile"
    ./model log-prob --data "$1.json" --at "$1.at" --json >out.json || fail "log-prob of $1"
    numbers out.json
}

# z' = -a z from b: b exp(-a t)
cat >decay.dgm <<'END'
model decay {
  data t[N], y[N] : real
  latent a, b : positive ~ lognormal(0, 1)
  let rate(s, z) = -a * z
  let z = ode(rate, b, start: 0.5, at: tMETHOD)
  let exact[n in N] = b * exp(-a * (t[n] - 0.5))
  for n in N { y[n] ~ normal(SOLUTION[n], 0.1) }
}
END
echo '{"t": [1, 1.5, 4], "y": [1.1, 0.7, 0.2]}' >decay.json
echo '{"a": 0.8, "b": 1.9}' >decay.at
solved decay exact "" >exact.txt
solved decay z "" >rk45.txt
solved decay z ", method: rk45(1e-11, 400)" >tight.txt
solved decay z ", method: rk4(4)" >four.txt
solved decay z ", method: rk4(8)" >eight.txt
holds "$(distance rk45.txt exact.txt) < 1e-6" "rk45 $(distance rk45.txt exact.txt)"
holds "$(distance tight.txt exact.txt) < 1e-9" "rk45(1e-11) $(distance tight.txt exact.txt)"
four=$(distance four.txt exact.txt) eight=$(distance eight.txt exact.txt)
holds "$four > 12 * $eight && $four < 40 * $eight" "rk4(4) $four, rk4(8) $eight: not of order 4"

# A damped oscillation, a vector, in two rows of their own frequency; time enters the rate.
cat >swing.dgm <<'END'
model swing {
  data t[T] : real
  data y[I, T] : real
  latent a : positive ~ lognormal(0, 1)
  for i in I {
    latent w : positive ~ lognormal(0, 1)
    let rate(s, z) = [z[1] + cos(s), -w * w * z[0] - 2 * a * z[1]]
    let z = ode(rate, [1, 0], start: 0, at: tMETHOD)
    let exact = z
    for k in T { y[i, k] ~ normal(SOLUTION[k, 0], 0.1) }
  }
}
END
echo '{"t": [0.5, 1, 2.5], "y": [[0.9, 0.3, -0.7], [1, 0.8, 0.2]]}' >swing.json
echo '{"a": 0.2, "w": [1.3, 0.8]}' >swing.at
solved swing z ", method: rk45(1e-9)" >first.txt
solved swing z ", method: rk4(400)" >second.txt
holds "$(distance first.txt second.txt) < 1e-7" "rk45 against rk4: $(distance first.txt second.txt)"

# The same as a record, whatever the order of its fields.
solved swing z ", method: rk4(9)" >vector.txt
sed -e 's/let rate(s, z) = .*/let rate(s, z) = { v: -w * w * z.x - 2 * a * z.v, x: z.v + cos(s) }/' \
    -e 's/\[1, 0\]/{ x: 1, v: 0 }/; /let exact/d; s/SOLUTION\[k, 0\]/z[k].x/' swing.dgm >record.dgm
cp swing.json record.json
cp swing.at record.at
solved record z ", method: rk4(9)" >record.txt
holds "$(distance record.txt vector.txt) < 1e-12" "a record: $(distance record.txt vector.txt)"

# Too few attempts: NaN, not a wrong number.
sed 's/SOLUTION/z/; s/METHOD/, method: rk45(1e-12, 2)/' decay.dgm >few.dgm
quick_dgmc few.dgm --only=log_prob --data decay.json -o ./few
./few log-prob --data decay.json --at decay.at --json >few.json || true
grep -q '"log_prob": null' few.json || fail "no NaN: $(cat few.json)"

# Wrong calls.
refuse() { sed "s/SOLUTION/z/; s/METHOD/$1/" decay.dgm >wrong.dgm; expect_rc 1 "$dgmc" check wrong.dgm
    grep -q "$2" err.txt || fail "wanted '$2': $(cat err.txt)"; }
refuse ", method: euler(3)" "euler"
refuse ", method: 3" "rk4(steps) or rk45(tolerance)"
sed 's/SOLUTION/z/; s/METHOD//; s/-a \* z/[z, z]/' decay.dgm >wrong.dgm
expect_rc 1 "$dgmc" check wrong.dgm
grep -q "shape of the state" err.txt || fail "$(cat err.txt)"
refuse "); let again = ode(rate, b, at: 3" "a vector or an array of times"
refuse "); let again = ode(rate, { z: t }, at: t" "a vector or a record of numbers"
