# rstan_side.R - the models of gradients.sh in RStan.
#
#     rstan_side.R WORK compile     MODEL.stan to MODEL.hpp (C++ of stanc) and MODEL.rds (compiled),
#                                   MODEL.json to MODEL.dump; flags, libraries: for g++. All in WORK.
#     rstan_side.R WORK             answers lines `MODEL check|call` of standard input
# check: log p(b) - log p(a), then the gradient at b. call: calls of grad_log_prob per second, the
# best of some windows; each point is the first one moved a little by the gradient of the last.
suppressMessages(library(rstan))
rstan_options(auto_write = TRUE)
if (system.file("include/boost", package = "BH") == "") rstan_options(boost_lib = "/usr/include")
work <- commandArgs(TRUE)[1]
models <- c("logistic", "logistic_loop", "eight_schools", "hmm", "radon")
windows <- 10
window <- 0.05                         # at least, seconds
path <- function(model, end) file.path(work, paste0(model, end))
data_of <- function(model) jsonlite::fromJSON(path(model, ".json"))

if (length(commandArgs(TRUE)) > 1) {
  for (model in models) {
    writeLines(stanc(path(model, ".stan"), model_name = model)$cppcode, path(model, ".hpp"))
    values <- data_of(model)
    stan_rdump(names(values), path(model, ".dump"), envir = list2env(values))
    message("RStan compiles ", model)
    stan_model(path(model, ".stan"))
  }
  at <- function(package, folder) {
    found <- system.file(folder, package = package)
    if (found == "") NULL else found
  }
  headers <- at("StanHeaders", "include")
  includes <- c(at("RcppEigen", "include"), file.path(headers, "src"), headers,
                at("RcppParallel", "include"), at("BH", "include"))
  writeLines(c(paste("-isystem", includes), "-DBOOST_DISABLE_ASSERTS -DEIGEN_NO_DEBUG -include",
               file.path(headers, "stan/math/prim/mat/fun/Eigen.hpp")), file.path(work, "flags"))
  writeLines(paste0("-L", c(at("StanHeaders", "lib"), at("RcppParallel", "libs"))),
             file.path(work, "libraries"))
  quit()
}

fits <- lapply(setNames(nm = models), function(model)
  suppressMessages(sampling(stan_model(path(model, ".stan")), data = data_of(model), chains = 0)))

check <- function(fit, a, b) {
  gradient <- grad_log_prob(fit, b)
  c(attr(gradient, "log_prob") - attr(grad_log_prob(fit, a), "log_prob"), gradient)
}
seconds <- function(fit, start, n) {
  from <- Sys.time()
  u <- start
  for (k in seq_len(n)) u <- start + 1e-9 * grad_log_prob(fit, u)
  as.numeric(difftime(Sys.time(), from, units = "secs"))
}
speed <- function(fit, start) {
  n <- 1
  while (seconds(fit, start, n) < window) n <- 2 * n
  round(n / min(replicate(windows, seconds(fit, start, n))))
}

input <- file("stdin", "r")
while (length(line <- readLines(input, 1))) {
  words <- strsplit(line, " ")[[1]]
  fit <- fits[[words[1]]]
  i <- seq_len(get_num_upars(fit))
  b <- 0.2 * cos(i)
  answer <- if (words[2] == "check") check(fit, 0.1 * sin(i), b) else speed(fit, b)
  cat(sprintf("%.17g", answer), "\n")
}
