# compilers.sh - the emitted C of every example is accepted by gcc and by clang with all warnings as
# errors, in both precisions; for plain x86-64 and for aarch64 too, where such a compiler is at hand.
# Warnings of gcc need its optimiser, those of clang no code; other processors change the vectors only.
. "$DGM_ROOT/tests/systems/lib.sh"
command -v clang >/dev/null || skip "clang is not installed"
plain=$([ "$(uname -m)" = x86_64 ] && echo -march=x86-64 || true)
arm=$(command -v aarch64-linux-gnu-gcc || true)
for spec in "$DGM_ROOT"/examples/*/*.dgm; do
    [ "$(basename "$spec" .dgm)" = "$(basename "$(dirname "$spec")")" ] || continue  # posteriordb
    for precision in f32 f64; do
        set --
        for size in P=6 D=4 H=9; do grep -q "\<${size%=*}\>" "$spec" && set -- "$@" -D $size; done
        $dgmc "$spec" --emit=c --precision $precision "$@" -o out.c
        define=$([ $precision = f64 ] && echo -DDGM_F64 || true)
        set -- -std=gnu11 -Wall -Wextra -Werror -fopenmp $define -I"$DGM_ROOT/runtime"
        gcc "$@" -O2 -c out.c -o out.o || fail "gcc, $precision: $spec"
        clang "$@" -fsyntax-only out.c || fail "clang, $precision: $spec"
        [ $precision = f32 ] || continue
        [ -z "$plain" ] || gcc "$@" $plain -c out.c -o out.o || fail "$plain, $precision: $spec"
        [ -z "$arm" ] || $arm "$@" -c out.c -o out.o || fail "$arm, $precision: $spec"
    done
done
