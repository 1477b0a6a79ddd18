# hostile.sh - hostile specs and names get a stated limit and a clear error, or simply work; nothing
# crashes, and no text of the user's runs.
. "$DGM_ROOT/tests/systems/lib.sh"
model='model m { data x[N] : real
  latent int : real ~ normal(0, 1)
  for n in N { x[n] ~ normal(int, 1) } }'
for name in 'a b.dgm' "q'uo\"te.dgm" '-dash.dgm' 'new
line.dgm' '*.dgm' '$(touch hacked).dgm' '%n%s.dgm' 'ü.dgm' '*/ #error.dgm'; do
    case $name in */*) mkdir -p '*' ;; esac
    printf '%s\n' "$model" >"./$name"
    $dgmc --emit=c -o out.c -- "$name" || fail "file name: $name"
    gcc -std=gnu11 -fsyntax-only -fopenmp -Wall -Wextra -Werror -I"$DGM_ROOT/runtime" out.c || fail "C of: $name"
done
[ ! -e hacked ] || fail "a file name was executed"

bad() { expect_rc 1 $dgmc check hostile.dgm; grep -q 'error\[E' err.txt || fail "no code: $(cat err.txt)"; }
awk 'BEGIN { printf "let f(x) = "; for (i = 0; i < 100000; i++) printf "("; print "x" }' >hostile.dgm; bad
awk 'BEGIN { printf "let f(x) = "; for (i = 0; i < 100000; i++) printf "-"; print "x" }' >hostile.dgm; bad
awk 'BEGIN { printf "model "; for (i = 0; i < 10000000; i++) printf "a"; print " { }" }' >hostile.dgm; bad
printf 'model m { data x\000 }' >hostile.dgm; bad
printf '\377\376model' >hostile.dgm; bad
printf 'model m { data x[N] : real[99999999999999999999] }' >hostile.dgm; bad
printf 'model m { data x[N] : real[4294967296, 4294967296]\n for n in N { x[n] ~ normal(0, 1) } }' >hostile.dgm
expect_rc 1 $dgmc hostile.dgm
printf 'model m { data x = "*/ #error" : real }' >hostile.dgm; $dgmc check hostile.dgm || true
mkdir folder.dgm && expect_rc 1 $dgmc check folder.dgm
grep -q 'error\[E0102\]' err.txt || fail "a folder: $(cat err.txt)"
expect_rc 1 $dgmc check /dev/zero
expect_rc 1 $dgmc check absent.dgm
grep -q 'error\[E0101\]' err.txt || fail "no file: $(cat err.txt)"
expect_rc 2 $dgmc --emmit=c absent.dgm
grep -q 'did you mean `--emit`' err.txt || fail "no suggestion: $(cat err.txt)"
$dgmc --explain E0301 >/dev/null || fail "--explain"
