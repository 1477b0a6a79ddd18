# manual.sh - the manual's examples do what the manual says: ```dgm passes check, ```dgm derive is
# derived, ```dgm later is parsed and refused by its own error, ```dgm error CODE gives that error.
. "$DGM_ROOT/tests/systems/lib.sh"
awk '/^```dgm/ { n++; name = sprintf("%02d", n); print substr($0, 8) > (name ".kind"); on = 1; next }
     /^```/ { on = 0 } on { print > (name ".dgm") }' "$DGM_ROOT/lang/manual.md"
count=0
for f in *.dgm; do
    kind=$(cat "${f%.dgm}.kind")
    case "$kind" in
    "") $dgmc check "$f" || fail "$f should check: $(cat "$f")" ;;
    *derive*)
        set --
        grep -q '\<P\>' "$f" && set -- -D P=5
        grep -q '\<D\>' "$f" && set -- "$@" -D D=3
        $dgmc check "$f" && $dgmc explain "$f" "$@" >out.txt || fail "$f should be derived: $(cat "$f")"
        grep -q '\[' out.txt || fail "$f: explain says nothing" ;;
    *later*) expect_rc 1 $dgmc explain "$f" -D K=3
        grep -q 'error\[E09' err.txt || fail "$f should be refused as not derived yet: $(cat err.txt)" ;;
    *error*) expect_rc 1 $dgmc explain "$f"
        grep -q "error\[${kind##* }\]" err.txt || fail "$f should give ${kind##* }: $(cat err.txt)" ;;
    *) fail "unknown kind of example: $kind" ;;
    esac
    count=$((count + 1))
done
[ $count -ge 10 ] || fail "only $count examples found"

# `check` wants no sizes: every example passes without its data.
for f in "$DGM_ROOT"/examples/*/*.dgm; do
    $dgmc check "$f" || fail "$f should check"
done

# Every option that a command lists stands in the manual.
cat >m.dgm <<'END2'
model m { data x[N] : real; latent a : real ~ normal(0, 1); for n in N { x[n] ~ normal(a, 1) } }
END2
quick_dgmc m.dgm -o ./m || fail "a model with one latent"
{
    $dgmc --help
    for command in train eval sample encode reconstruct log-prob simulate report posterior check-grad info; do
        ./m $command --help
    done
} | grep -o -- '--[a-z][a-z-]*' | sort -u >options.txt
[ "$(wc -l <options.txt)" -gt 40 ] || fail "few options: $(cat options.txt)"
while read -r option; do
    grep -q -e "$option\>" "$DGM_ROOT/lang/manual.md" || fail "the manual has no $option"
done <options.txt
