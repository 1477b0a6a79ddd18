# noncentered_steps.sh - latents of a sequence that the compiler non-centres: each step is computed
# from the steps before and its own standard value, as in the model that does it by hand.
. "$DGM_ROOT/tests/systems/lib.sh"

# by_hand NAME DATA N: NAME.dgm with --noncenter auto is hand.dgm, by N free numbers, and what its
# values lead back to
by_hand() {
    echo "$2" >data.json
    quick_dgmc "$1.dgm" --data data.json --noncenter auto -o "./$1"
    quick_dgmc hand.dgm --data data.json --only=log_prob,log_prob_free -o ./hand
    for seed in 1 2 3; do
        points "$3" $seed >u.json
        at_free "$1" data.json u.json one.json
        at_free hand data.json u.json two.json
        equal one.json two.json
    done
    "./$1" check-grad --data data.json --tol 1e-6 || fail "gradient of the bound of $1"
    "./$1" simulate --data data.json --seed 5 --out sim.json
    "./$1" log-prob --data data.json --at sim.json --unconstrained --json >one.json
    unconstrained one.json >u.json
    at_free "$1" data.json u.json two.json
    equal one.json two.json
}

# -- an array latent of a sequence ------------------------------------------------------------------------
cat >steps.dgm <<'END'
model steps(T = 3, I = 2) {
  data y[I, T] : real
  latent tau : positive ~ lognormal(0, 1)
  for i in I {
    latent a : real ~ normal(0, 1)
    scan t in T {
      latent e[k in 2] : real ~ normal(a * k, tau)
      y[i, t] ~ normal(e[t, 0] - 2 * e[t, 1] + (if t > 1 then e[t - 2, 1] else 0), 1)
    }
  }
}
END
sed 's/e\[k in 2\] : real ~ normal(a \* k, tau)/u[k in 2] : real ~ normal(0, 1); let e[k in 2] = a * k + tau * u[t, k]/' \
    steps.dgm >by_hand.dgm
grep -q 'let e' by_hand.dgm || fail "nothing was non-centred by hand"
quick_dgmc steps.dgm --noncenter e --only=log_prob,log_prob_free -o steps
quick_dgmc by_hand.dgm --only=log_prob,log_prob_free -o by_hand
echo '{"y": [[0.3, -1, 2], [1.5, 0.2, -0.7]]}' >steps.json
points 15 4 >u.json
for p in steps by_hand; do at_free $p steps.json u.json $p.out; done
equal steps.out by_hand.out

# -- a sequence: shocks whose law does not look back --------------------------------------------------------
cat >walk.dgm <<'END'
model walk(T = 5) {
  data y[T] : real
  latent q : positive ~ lognormal(0, 1)
  scan t in T {
    latent e : real ~ normal(0, q)
    let level = previous(level, 0) + e
    y[t] ~ normal(level, 0.5)
  }
}
END
sed 's/normal(0, q)/normal(0, 1)/; s/+ e$/+ q * e/' walk.dgm >walk_hand.dgm
echo '{"y": [0.1, 0.5, 1.2, 0.7, 0.2]}' >y.json
quick_dgmc walk.dgm --only=log_prob,log_prob_free --noncenter e -o ./walk
quick_dgmc walk_hand.dgm --only=log_prob,log_prob_free -o ./walk_hand
points 6 1 >u.json
at_free walk y.json u.json one.json
at_free walk_hand y.json u.json two.json
equal one.json two.json

# -- a walk: the law reads the step before --------------------------------------------------------------
cat >level.dgm <<'END'
model level {
  data y[T] : real
  latent q : positive ~ lognormal(0, 1)
  latent m : real ~ normal(0, 2)
  scan t in T {
    latent level : real ~ normal(previous(level, m), q)
    y[t] ~ normal(level, 0.5)
  }
}
END
sed 's/normal(previous(level, m), q)/normal(0, 1)/; s/latent level/latent u/
/latent u/a let level = previous(level, m) + q * u' level.dgm >hand.dgm
by_hand level '{"y": [0.1, 0.5, 1.2, 0.7, 0.2]}' 7

# -- another first law, two steps back, lets between, two latents that read each other ----------------
cat >trend.dgm <<'END'
model trend {
  data y[T] : real
  latent q, w : positive ~ lognormal(0, 1)
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  scan t in T {
    let tilt = phi * previous(slope, 0)
    latent level : real ~ if t == 0 then normal(0.3, q / sqrt(1 - sq(phi)))
      else if t == 1 then normal(level[t - 1] + tilt, 2) else normal(level[t - 2] + tilt, q)
    latent slope : real ~ normal(0.9 * previous(slope, 1) + 0.1 * level, w)
    y[t] ~ normal(level + slope, 0.5)
  }
}
END
cat >hand.dgm <<'END'
model hand {
  data y[T] : real
  latent q, w : positive ~ lognormal(0, 1)
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  scan t in T {
    latent u : real ~ normal(0, 1)
    latent v : real ~ normal(0, 1)
    let tilt = phi * previous(slope, 0)
    let level = if t == 0 then 0.3 + q / sqrt(1 - sq(phi)) * u
      else if t == 1 then level[t - 1] + tilt + 2 * u else level[t - 2] + tilt + q * u
    let slope = 0.9 * previous(slope, 1) + 0.1 * level + w * v
    y[t] ~ normal(level + slope, 0.5)
  }
}
END
by_hand trend '{"y": [0.1, 0.5, 1.2, 0.7, 0.2, -0.4]}' 15

# -- in a plate, ragged, with a support, an array, a sum over all steps before ---------------------------
cat >growth.dgm <<'END'
model growth {
  data y[J, T] : real
  data first[J] : integer
  latent w : positive ~ lognormal(0, 1)
  for j in J {
    scan t in first[j] .. T {
      latent size : positive ~ lognormal(log(previous(size, 1)) + 0.1, w)
      latent b[k in 2] : real ~ normal(0.5 * previous(b, 0)[k] + k, w)
      y[j, t] ~ normal(log(size) + b[t, 0] - b[t, 1], 0.5)
    }
  }
  scan t in T {
    latent x : real ~ normal(sum[s in t](x[s] / (1 + t - s)), w)
    y[0, t] ~ normal(x, 1)
  }
}
END
cat >hand.dgm <<'END'
model hand {
  data y[J, T] : real
  data first[J] : integer
  latent w : positive ~ lognormal(0, 1)
  for j in J {
    scan t in first[j] .. T {
      latent u : real ~ normal(0, 1)
      latent v : real[2] ~ normal(0, 1)
      let size = exp(log(previous(size, 1)) + 0.1 + w * u)
      let b = 0.5 * previous(b, [0, 0]) + [0, 1] + w * v
      y[j, t] ~ normal(log(size) + b[t, 0] - b[t, 1], 0.5)
    }
  }
  scan t in T {
    latent e : real ~ normal(0, 1)
    let x = sum[s in t](x[s] / (1 + t - s)) + w * e
    y[0, t] ~ normal(x, 1)
  }
}
END
by_hand growth '{"y": [[0.1, 0.5, 1.2, 0.7], [0.2, -0.4, 1, 0]], "first": [0, 1]}' 29

# -- a sequence in a sequence: each counts steps of its own -----------------------------------------------
cat >nested.dgm <<'END'
model nested {
  data y[T] : real
  latent q : positive ~ lognormal(0, 1)
  scan t in T {
    latent b : real ~ normal(previous(b, 0), q)
    scan s in 3 {
      latent a : real ~ normal(0.5 * previous(a, 0) + previous(b, 7), q)
    }
    y[t] ~ normal(b + sum[s in 3](a[t, s]) + (if t == 0 then 0 else a[t - 1, 2]), 1)
  }
}
END
sed 's/latent b.*/latent v : real ~ normal(0, 1)\n let b = previous(b, 0) + q * v/
s/latent a.*/latent u : real ~ normal(0, 1)\n let a = 0.5 * previous(a, 0) + previous(b, 7) + q * u/
' nested.dgm >hand.dgm
by_hand nested '{"y": [0.1, 0.5, -1.2, 0.7]}' 17
# b, a and y at q = 1.3, in a loop over the steps
echo '{"q": 1.3, "b": [0.4, -0.1, 1, 0.3], "a": [[7, 3, 2], [1, 0, 0.2], [0.1, 1, 0], [1, 1, 2]]}' >at.json
./nested log-prob --data data.json --at at.json --json >one.json
awk -v got="$(json one.json log_prob)" '
    function normal(x, m, s) { return -((x - m) / s) ^ 2 / 2 - log(s) - log(6.283185307179586) / 2 }
    BEGIN {
        split("0.1 0.5 -1.2 0.7", y); split("0.4 -0.1 1 0.3", b)
        split("7 3 2 1 0 0.2 0.1 1 0 1 1 2", a)
        l = normal(log(1.3), 0, 1) - log(1.3)
        for (t = 1; t <= 4; t++) {
            l += normal(b[t], t > 1 ? b[t - 1] : 0, 1.3)
            m = b[t] + (t > 1 ? a[3 * (t - 1)] : 0)
            for (s = 1; s <= 3; s++) {
                k = 3 * (t - 1) + s
                m += a[k]
                l += normal(a[k], (s > 1 ? a[k - 1] / 2 : 0) + (t > 1 ? b[t - 1] : 7), 1.3)
            }
            l += normal(y[t], m, 1)
        }
        exit !((got - l) ^ 2 < 1e-18) }' || fail "nested steps: $(cat one.json)"

# -- the fit: q of a walk that moves little, against quadrature of the exact density (Kalman 1960) -----
cat >walk.dgm <<'END'
model walk {
  data y[T] : real
  latent q, r : positive ~ normal(0, 1)
  scan t in T {
    latent level : real ~ if t == 0 then normal(0, 5) else normal(level[t - 1], q)
    y[t] ~ normal(level, r)
  }
}
END
cat >walk.json <<'END'
{"y": [1.2, 0.58, 1.13, -0.32, 0.22, 0.46, 1.56, 2.01, -0.53, -0.1, 1.42, -1.17, 0.38, 0.6, 1.95,
 1.49, 0.27, 0.16, -0.01, 1.57, -0.65, -0.56, -0.1, -0.53, -0.58, -1.53, -0.8, -1.32, 0.29,
 -0.21, -1.12, -0.5, -1.65, -0.38, -1.28, -0.81, -2.69, -0.92, -3.04, -3.41, -1.66, -2.24, -1.36,
 0.73, -2.15, -2.17, -1.21, -0.91, -1.67, -1.4, -0.38, -0.74, -2.28, -1.24, -1.16, -2.14, -0.84,
 -1.86, 0.19, -0.69]}
END
"$dgmc" run walk.dgm --data walk.json --out walk.out >walk.txt 2>walk.err || fail "$(cat walk.err)"
! grep -q '^warning' walk.txt walk.err || fail "$(grep '^warning' walk.txt walk.err)"
grep -q '"parameterization": "noncentred"' walk.out/report.json || fail "$(cat walk.out/report.json)"
near() {
    awk -v z="$1" -v m="$2" -v s="$3" '$1 == z { d = ($2 - m) / s; r = $3 / s; found = 1
        bad = d < -0.1 || d > 0.1 || r < 0.85 || r > 1.15 } END { exit bad || !found }' walk.txt ||
        fail "$1 is not $2 (sd $3): $(cat walk.txt)"
}
near q 0.2771 0.0992
near r 0.8353 0.0924
