# Thin: every target is one line of CMake or of a script.
.PHONY: build test check check-long promote asan fuzz bench clean
build:
	cmake -S . -B build && cmake --build build -j 2
test: build
	ctest --test-dir build --output-on-failure
check:
	sh tests/check.sh
check-long:
	sh tests/check.sh --long
promote:
	sh tests/promote.sh
asan:
	sh tests/check.sh --sanitize
fuzz:
	sh tests/fuzz/run.sh
bench:
	sh tests/bench/run.sh
clean:
	rm -rf build build-asan build-fuzz
