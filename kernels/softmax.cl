/* Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7), loss and gradient in one pass.
 *
 * softmax_loss: one work-item a row of logits [n][k]. losses [n]: cross-entropy against (1 - smoothing) onehot + smoothing / k;
 * ranks [n]: how many classes come before the label (0: top-1 hit); dlogits [n][k] = scale (softmax - target).
 * dlogits may be NULL.
 * A row labelled RNCL_NO_LABEL gets loss 0, rank -1 and no gradient. Rows of this call start at `first` in labels,
 * losses and ranks. */
#include "common.clh"

__kernel void softmax_loss(const rncl_softmax_shape shape, const int first, __global const float *restrict logits,
                           __global const int *restrict labels, const float smoothing, const float scale,
                           __global float *restrict losses, __global int *restrict ranks, __global float *restrict dlogits)
{
    const int n = get_global_id(0), k = shape.k;
    if (n >= shape.n)
        return;
    __global const float *row = logits + (size_t)n * k;
    __global float *gradient = dlogits + (size_t)n * k;
    const int label = labels[first + n];
    if (label == RNCL_NO_LABEL) {
        for (int i = 0; dlogits && i < k; i++)
            gradient[i] = 0.0f;
        losses[first + n] = 0.0f;
        ranks[first + n] = -1;
        return;
    }
    float largest = row[0];
    int rank = 0;
    for (int i = 0; i < k; i++) {
        largest = fmax(largest, row[i]);
        rank += row[i] > row[label] || (row[i] == row[label] && i < label);
    }
    float sum = 0.0f, below = 0.0f;
    for (int i = 0; i < k; i++) {
        sum += exp(row[i] - largest);
        below += largest - row[i];
    }
    const float log_sum = log(sum);
    losses[first + n] = log_sum + (1.0f - smoothing) * (largest - row[label]) + smoothing * (below / (float)k);
    ranks[first + n] = rank;
    for (int i = 0; dlogits && i < k; i++) {
        const float target = (i == label ? 1.0f - smoothing : 0.0f) + smoothing / (float)k;
        gradient[i] = scale * (exp(row[i] - largest) / sum - target);
    }
}
