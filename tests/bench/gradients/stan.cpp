// stan.cpp - the density of a model that stanc compiled, for loop.c, without R's calls around it.
// MODEL: the header that stanc wrote (rstan.R); data: a file in R's dump format.
#include MODEL

#include <fstream>
#include <iostream>
#include <vector>

#include <stan/io/dump.hpp>
#include <stan/model/log_prob_grad.hpp>

#include "loop.h"

static stan_model *model;
static std::vector<double> point, gradient;
static std::vector<int> none;

long density_open(const char *data)
{
    std::ifstream file(data);
    stan::io::dump values(file);
    model = new stan_model(values, 0, &std::cerr);
    point.resize(model->num_params_r());
    return static_cast<long>(point.size());
}

double density_gradient(const double *u, double *g)
{
    point.assign(u, u + point.size());
    double p = stan::model::log_prob_grad<true, true>(*model, point, none, gradient, &std::cerr);
    std::copy(gradient.begin(), gradient.end(), g);
    return p;
}
