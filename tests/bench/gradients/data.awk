# data.awk - awk -v model=MODEL -f data.awk: data for the models of gradients.sh and svi.sh as JSON,
# simulated with a fixed seed; those of the eight schools are Rubin's (1981).

function unit() {
    state = state * 16807 % 2147483647         # Park and Miller (1988), exact in doubles
    return state / 2147483647
}
function normal(  r) {
    r = sqrt(-2 * log(unit()))
    return r * cos(6.283185307179586 * unit())
}
# "name": [v[1], .., v[n]], with `end` after it
function field(name, v, n, form, end,  i) {
    printf "\"%s\": [", name
    for (i = 1; i <= n; i++)
        printf form "%s", v[i], i < n ? ", " : "]" end "\n"
}
function logistic(N, P,  i, p, w, x, y, sum) {
    for (p = 1; p <= P; p++)
        w[p] = normal() / 2
    printf "\"N\": %d, \"P\": %d, \"X\": [\n", N, P
    for (i = 1; i <= N; i++) {
        sum = 0.5
        for (p = 1; p <= P; p++) {
            x = normal()
            sum += x * w[p]
            printf "%s%.6f%s", p == 1 ? "[" : "", x, p < P ? ", " : i < N ? "],\n" : "]],\n"
        }
        y[i] = unit() * (1 + exp(-sum)) < 1
    }
    field("y", y, N, "%d", "")
}
function hmm(K, T,  t, z, y) {
    printf "\"K\": %d, \"T\": %d,\n", K, T
    for (t = 1; t <= T; t++) {
        if (unit() < 0.2)
            z = int(unit() * K)
        y[t] = 2 * z - 2 + (0.5 + 0.25 * z) * normal()
    }
    field("y", y, T, "%.6f", "")
}
function radon(N, J,  n, j, alpha, county, ground, uranium, y) {
    for (j = 1; j <= J; j++)
        alpha[j] = 1.5 + 0.3 * normal()
    for (n = 1; n <= N; n++) {
        county[n] = n <= J ? n : 1 + int(unit() * J)
        ground[n] = unit() < 0.17
        uranium[n] = 0.4 * normal()
        y[n] = alpha[county[n]] - 0.7 * ground[n] + 0.75 * normal()
    }
    printf "\"N\": %d, \"J\": %d,\n", N, J
    field("county_idx", county, N, "%d", ",")
    field("floor_measure", ground, N, "%d", ",")
    field("log_uppm", uranium, N, "%.6f", ",")
    field("log_radon", y, N, "%.6f", "")
}
function points(N,  n, x, y) {
    for (n = 1; n <= N; n++) {
        x[n] = normal()
        y[n] = 1 + 2 * x[n] + 0.5 * normal()
    }
    printf "\"N\": %d,\n", N
    field("x", x, N, "%.6f", ",")
    field("y", y, N, "%.6f", "")
}
BEGIN {
    state = 20260801
    print "{"
    if (model ~ /^logistic/)
        logistic(1000, 25)
    else if (model == "eight_schools")
        print "\"J\": 8, \"y\": [28, 8, -3, 7, -1, 1, 18, 12],\n" \
              "\"sigma\": [15, 10, 16, 11, 9, 11, 10, 18]"
    else if (model == "hmm")
        hmm(3, 200)
    else if (model == "radon")
        radon(919, 85)
    else if (model == "line")
        points(100)
    print "}"
}
