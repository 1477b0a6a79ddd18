# posterior_files.sh - what `posterior --out` leaves in its directory: draws as zarr, JSON and CSV are the
# same numbers and have the moments of the report; pictures; a disk that fails costs no other file.
. "$DGM_ROOT/tests/systems/lib.sh"

cat >m.dgm <<'END'
model m {
  data y[N], x[N] : real
  latent b[2] : real ~ normal(0, 10)
  latent s : positive ~ exponential(1)
  latent draw : unit ~ beta(2, 3)
  for n in N { y[n] ~ normal(b[0] + b[1] * x[n], s) }
  report line[i in 3] = b[0] + b[1] * i
  report positive_slope = b[1] > 0
  predict y
}
END
echo '{"y": [0.5, 2.1, 2.9, 4.2, 6.3, 6.1], "x": [0, 1, 2, 3, 4, 5]}' >data.json
quick_dgmc m.dgm --precision f64 -o m
./m posterior --data data.json --out fit --save-draws --draws 1000 >printed.txt

# -- pictures, and their names on stdout --------------------------------------------------------------
for file in report.json draws.json draws.csv posterior.zarr densities.png pairs.png elbo.png; do
    [ -e "fit/$file" ] || fail "no $file"
    [ $file = report.json ] || grep -q " fit/$file\$" printed.txt || fail "$file is not named: $(cat printed.txt)"
done
for file in densities pairs elbo; do
    [ "$(head -c 8 fit/$file.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] || fail "$file.png"
    [ "$(tail -c 8 fit/$file.png | od -An -tx1 | tr -d ' ')" = 49454e44ae426082 ] || fail "$file.png is cut"
done
[ -z "$(find fit -name '*.tmp' -o -name '*.old')" ] || fail "a temporary file is left"

# -- three forms of the same numbers -------------------------------------------------------------------
# chunk NAME FORMAT: the numbers of an array of the store; one a line
chunk() { od -An -v -t"$2" -w8 fit/posterior.zarr/"$1" | tr -d ' '; }
# same_numbers A B: line by line, to the last digits that od prints
same_numbers() {
    paste "$1" "$2" | awk '{ d = $1 - $2; if (NF != 2 || d * d > 1e-24 * (1 + $1 * $1)) exit 1; n++ }
        END { exit n == 0 }' || fail "$1 and $2 differ"
}
z=posterior
for pair in b:$z/b/0.0.0 s:$z/s/0.0 draw:$z/draw_/0.0; do
    values fit/draws.json ${pair%%:*} >json.txt
    chunk ${pair#*:} f8 >zarr.txt
    same_numbers json.txt zarr.txt
done
[ "$(values fit/draws.json b | wc -l)" -eq 2000 ] || fail "b has $(values fit/draws.json b | wc -l) numbers"
sed 1d fit/draws.csv | cut -d, -f1-2 | tr ',' '\n' >csv.txt
values fit/draws.json b >json.txt
same_numbers json.txt csv.txt
[ "$(head -1 fit/draws.csv)" = "b[0],b[1],s,draw,line[0],line[1],line[2],positive_slope,$(
    for n in 0 1 2 3 4 5; do printf 'y[%d]%s' $n "$([ $n = 5 ] || echo ,)"; done)" ] || fail "$(head -1 fit/draws.csv)"
awk -F, 'NR > 1 { for (i = 0; i < 3; i++) { d = $(5 + i) - $1 - i * $2; if (d * d > 1e-20) exit 1 } }
    END { exit NR != 1001 }' fit/draws.csv || fail "a row of draws.csv is not one draw"
tr -d ' \n' <fit/posterior.zarr/$z/b/.zarray >zarray.txt
grep -q '"zarr_format":2,"shape":\[1,1000,2\],"chunks":\[1,1000,2\],"dtype":"<f8","compressor":null' zarray.txt ||
    fail "$(cat zarray.txt)"
tr -d ' \n' <fit/posterior.zarr/$z/b/.zattrs | grep -q '\["chain","draw","b_dim_0"\]' || fail ".zattrs"
[ "$(chunk $z/b_dim_0/0 d8 | tr '\n' ' ')" = "0 1 " ] || fail "coordinates"
[ "$(chunk $z/positive_slope/0.0 d8 | sort -u | tr '\n' ' ')" = "1 " ] || fail "bits"
values data.json y >json.txt; chunk observed_data/y/0 f8 >zarr.txt; same_numbers json.txt zarr.txt
values data.json x >json.txt; chunk constant_data/x/0 f8 >zarr.txt; same_numbers json.txt zarr.txt
[ "$(chunk posterior_predictive/y/0.0.0 f8 | wc -l)" -eq 6000 ] || fail "predictions"
# The consolidated metadata are those of the files.
(cd fit/posterior.zarr && find . -name '.z[gas]*' | sed 's/^..//' | sort) >files.txt
tr ',{' '\n\n' <fit/posterior.zarr/.zmetadata | sed -n 's/^ *"\([^" ]*\.z[a-z]*\)": *$/\1/p' | sort >keys.txt
same files.txt keys.txt

# -- they are draws of the posterior that the report has ---------------------------------------------------
# Systematic resampling: a mean moves by less than one plain resampling's, sd / sqrt(1000).
tr -d ' \n' <fit/report.json | sed 's/.*"posterior":{//' >posterior.txt
for k in 1 2; do
    report=$(sed 's/"b":{"mean":\[\([^]]*\)\],"sd":\[\([^]]*\)\].*/\1,\2/' posterior.txt | cut -d, -f$k,$((k + 2)))
    sed 1d fit/draws.csv | cut -d, -f$k | awk -v mean="${report%,*}" -v sd="${report#*,}" '
        { s += $1; q += $1 * $1 } END { m = s / NR; v = q / NR - m * m
          exit !((m - mean) ^ 2 < 16 * sd ^ 2 / NR && (v / sd ^ 2 - 1) ^ 2 < 0.04) }' || fail "b[$k] against $report"
done
# The log density of a draw is that of log-prob, to the Jacobian.
awk -F, 'NR == 2 { printf "{\"b\": [%s, %s], \"s\": %s, \"draw\": %s}\n", $1, $2, $3, $4 }' fit/draws.csv >one.json
./m log-prob --data data.json --at one.json --json --unconstrained >lp.json
holds "($(json lp.json log_prob) - ($(chunk sample_stats/lp/0.0 f8 | head -1))) ^ 2 < 1e-16"
./m report --data data.json --draws fit/draws.json --out again.json
values again.json line >again.txt; chunk $z/line/0.0.0 f8 >zarr.txt; same_numbers again.txt zarr.txt

# -- the same seed, the same files; --json ---------------------------------------------------------------
./m posterior --data data.json --out fit2 --save-draws --draws 1000 --json >printed.json
same fit2/draws.json fit/draws.json
same fit2/pairs.png fit/pairs.png
same printed.json fit2/report.json
./m posterior --data data.json --json --draws 1000 >alone.json
for key in elbo khat log; do [ "$(json alone.json $key)" = "$(json fit/report.json $key)" ] || fail "$key"; done
./m posterior --data data.json --out fit3 --draws 1000 --quiet >quiet.txt
[ ! -s quiet.txt ] && [ ! -e fit3/draws.json ] && [ ! -e fit3/posterior.zarr ] || fail "--quiet, no --save-draws"
expect_rc 2 ./m posterior --data data.json --save-draws
grep -q 'needs --out' err.txt || fail "$(cat err.txt)"

# -- disks that fail -------------------------------------------------------------------------------------
# What is printed comes first and the report next; old files stay, nothing half written stays.
cp -r fit small
expect_rc 4 sh -c 'ulimit -f 64; exec "$@"' limited ./m posterior --data data.json --draws 4000 --save-draws --out small
grep -q 'small/draws.json: File too large' err.txt || fail "$(cat err.txt)"
grep -q '^b\[0\]' out.txt || fail "what was found is not printed: $(cat out.txt)"
holds "$(json small/report.json draws) == 4000"
same small/draws.json fit/draws.json
diff -r small/posterior.zarr fit/posterior.zarr || fail "the old store is gone"
[ -z "$(find small -name '*.tmp' -o -name '*.old')" ] || fail "a temporary file is left"
mkdir disk
if unshare -rm mount -t tmpfs none disk 2>/dev/null; then
    for size in 300 500 700; do        # kB: at draws.json, draws.csv, within the store
        full='mount -t tmpfs -o size=${0}k none disk && { rc=0; "$@" || rc=$?; find disk -name "*.tmp" >left.txt
            cp -r disk/fit after; exit $rc; }'
        rm -rf after
        expect_rc 4 unshare -rm sh -c "$full" $size ./m posterior --data data.json --draws 4000 --save-draws --out disk/fit
        grep -q 'disk/fit/.*: No space left on device' err.txt || fail "$size: $(cat err.txt)"
        [ ! -s left.txt ] || fail "$size: left are $(cat left.txt)"
        holds "$(json after/report.json draws) == 4000"
    done
fi
expect_rc 4 ./m posterior --data data.json --out /proc/fit
grep -q 'cannot make the directory /proc/fit' err.txt || fail "$(cat err.txt)"
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 555 locked
    expect_rc 4 ./m posterior --data data.json --out locked
    grep -q 'cannot write in locked: Permission denied' err.txt || fail "$(cat err.txt)"
fi

# -- a model without pairs, and one without data ---------------------------------------------------------
echo 'model one { latent a : positive ~ gamma(3, 1) }' >one.dgm
quick_dgmc one.dgm --precision f64 -o one
./one posterior --out one_fit --save-draws >one.txt
[ -e one_fit/densities.png ] && [ ! -e one_fit/pairs.png ] && [ ! -e one_fit/posterior.zarr/observed_data ] ||
    fail "$(ls -R one_fit)"

# -- where Python's xarray and zarr are, they read it ----------------------------------------------------
for python in python3 /usr/bin/python3; do
    $python -c 'import xarray, zarr' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "no Python with xarray and zarr: the store is checked by its bytes alone"; exit 0; }
$python - <<'END' || fail "xarray does not read the store"
import json, xarray
post = xarray.open_zarr("fit/posterior.zarr", group="posterior")
draws = json.load(open("fit/draws.json"))
assert dict(post.dims)["draw"] == 1000 and post["b"].dims == ("chain", "draw", "b_dim_0")
assert (post["b"].values[0] == draws["b"]).all() and (post["s"].values[0] == draws["s"]).all()
assert post["line"].shape == (1, 1000, 3) and post["positive_slope"].dtype.kind == "i"
assert list(post.draw.values) == list(range(1000))
for group, name, shape in [("posterior_predictive", "y", (1, 1000, 6)), ("observed_data", "y", (6,)),
                           ("constant_data", "x", (6,)), ("sample_stats", "lp", (1, 1000))]:
    assert xarray.open_zarr("fit/posterior.zarr", group=group)[name].values.shape == shape, group
END
