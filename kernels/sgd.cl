/* SGD with momentum and weight decay in PyTorch's form:
 *   g = gradient + weight_decay * weight;  velocity = momentum * velocity + g;  weight -= lr * velocity
 *
 * A work-item updates `per` vectors of VW values from `first` up to `end`, see elementwise.clh. VW divides
 * both.
 *
 * gradient, velocity, weight  vectors of at least `end` values; only values first … end - 1 are used */
#include "elementwise.clh"

__kernel void sgd_update(const int first, const int end, const int per, const float lr, const float momentum,
                         const float weight_decay, __global const float *restrict gradient,
                         __global float *restrict velocity, __global float *restrict weight)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = first + element_at(turn, per);
        if (i >= (size_t)end)
            return;
        const vfloat w = VLOAD(weight + i);
        const vfloat g = FMA((vfloat)(weight_decay), w, VLOAD(gradient + i));
        const vfloat v = FMA((vfloat)(momentum), VLOAD(velocity + i), g);
        VSTORE(v, velocity + i);
        VSTORE(FMA((vfloat)(-lr), v, w), weight + i);
    }
}
