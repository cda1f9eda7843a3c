/* Stochastic gradient descent with momentum and weight decay. */
#include "reference.h"

void rncl_reference_sgd(size_t count, double lr, double momentum, double weight_decay, const double *gradient,
                        double *velocity, double *weight)
{
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i] + weight_decay * weight[i];
        weight[i] -= lr * velocity[i];
    }
}
