/* Mixup of pictures. */
#include "reference.h"

void rncl_reference_mixup(int n, size_t floats, double mix, double *x)
{
    for (int i = 0; i < n / 2; i++) {
        double *first = x + (size_t)i * floats, *second = x + (size_t)(n - 1 - i) * floats;
        for (size_t j = 0; j < floats; j++) {
            const double a = first[j], b = second[j];
            first[j] = (1 - mix) * a + mix * b;
            second[j] = (1 - mix) * b + mix * a;
        }
    }
}
