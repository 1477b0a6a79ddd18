# vb.R - RStan's side of svi.sh: automatic differentiation variational inference with its defaults.
#
#     vb.R WORK MODEL OUT    compiles WORK/MODEL.stan, runs `vb` and runs it again; data of
#                            WORK/MODEL.json. OUT: means of the latents, seconds of the second time
suppressMessages(library(rstan))
if (system.file("include/boost", package = "BH") == "") rstan_options(boost_lib = "/usr/include")
args <- commandArgs(TRUE)
path <- function(end) file.path(args[1], paste0(args[2], end))
data <- jsonlite::fromJSON(path(".json"))
program <- stan_model(path(".stan"))

means <- function(seed) {
  draws <- rstan::extract(vb(program, data = data, seed = seed, refresh = 0))
  draws$lp__ <- NULL
  lapply(draws, function(x) if (length(dim(x)) > 1) colMeans(x) else mean(x))
}
first <- means(1)
again <- system.time(means(2))[["elapsed"]]
writeLines(jsonlite::toJSON(list(mean = first, again = again), auto_unbox = TRUE, digits = 12),
           args[3])
