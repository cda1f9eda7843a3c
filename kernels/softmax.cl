/* Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7), class weights and mixed labels
 * (Zhang et al. 2018): loss, rank and gradient of each row.
 *
 * softmax_loss         a work-item computes `per` rows, see elementwise.clh with VW = 1
 * softmax_shared_loss  `across` neighbouring work-items share a row, whose classes they take in turn, and add
 * up their results as a tree; `across` is a power of two that divides the work-group
 *
 * A row's target distribution is
 *
 *   t = (1 - smoothing) * ((1 - mix) * onehot(label) + mix * onehot(partner's label)) + smoothing / k
 *
 * where the partner is the row at the other end of the rows of this call. With q = t * weights, the loss is
 * -sum of q * log(softmax(logits)). A row with a logit that is NaN or infinite has the loss NaN, NaN as its
 * gradient, and the rank RNCL_RANK_NOT_FINITE: comparisons with NaN are false, so that it would rank first.
 *
 * shape      see rncl_softmax_shape: n rows of this call, k classes
 * first      where these rows begin in labels, losses and ranks
 * logits     [n][k]
 * labels     [first + n]; RNCL_NO_LABEL leaves its row out: loss 0, rank -1, gradient 0. Mixed rows all
 *            have labels
 * weights    [k], of the classes; NULL: all 1
 * mix        0 … 1; 0: labels are not mixed
 * losses     [first + n]
 * ranks      [first + n]: how many classes come before the label, 0 being a top-1 hit; of two mixed labels
 *            the one with the larger share counts
 * dlogits    [n][k], `scale` times the loss's gradient; NULL: not wanted */
#include "elementwise.clh"

static float weight_of(__global const float *weights, int i)
{
    return weights ? weights[i] : 1.0f;
}

/* A row that does not count, or that cannot: the same gradient for all classes. */
static void set_row(int k, float loss, int rank, float slope, __global float *row_loss,
                    __global int *row_rank, __global float *gradient)
{
    *row_loss = loss;
    *row_rank = rank;
    for (int i = 0; gradient && i < k; i++)
        gradient[i] = slope;
}

/* Loss, rank and gradient of row n. */
static void compute_row(rncl_softmax_shape shape, int n, int first, __global const float *logits,
                        __global const int *labels, __global const float *weights, float smoothing, float mix,
                        float scale, __global float *losses, __global int *ranks, __global float *dlogits)
{
    const int k = shape.k;
    __global const float *row = logits + (size_t)n * k;
    __global float *gradient = dlogits ? dlogits + (size_t)n * k : 0;
    const int label = labels[first + n];
    if (label == RNCL_NO_LABEL) {
        set_row(k, 0.0f, -1, 0.0f, losses + first + n, ranks + first + n, gradient);
        return;
    }
    const int partner = mix > 0.0f ? labels[first + shape.n - 1 - n] : label;
    const int judged = mix > 0.5f ? partner : label;
    float largest = row[0];
    int rank = 0, finite = 1;
    for (int i = 0; i < k; i++) {
        largest = fmax(largest, row[i]);
        rank += row[i] > row[judged] || (row[i] == row[judged] && i < judged);
        finite &= isfinite(row[i]);
    }
    if (!finite) {
        set_row(k, NAN, RNCL_RANK_NOT_FINITE, NAN, losses + first + n, ranks + first + n, gradient);
        return;
    }
    float sum = 0.0f, below = 0.0f, weight = 0.0f;
    for (int i = 0; i < k; i++) {
        sum += exp(row[i] - largest);
        below += weight_of(weights, i) * (largest - row[i]);
        weight += weight_of(weights, i);
    }
    const float own = (1.0f - mix) * (1.0f - smoothing) * weight_of(weights, label);
    const float other = mix * (1.0f - smoothing) * weight_of(weights, partner);
    const float spread = smoothing / (float)k, all = own + other + spread * weight;
    losses[first + n] =
        all * log(sum) + own * (largest - row[label]) + other * (largest - row[partner]) + spread * below;
    ranks[first + n] = rank;
    for (int i = 0; gradient && i < k; i++) {
        const float target =
            (i == label ? own : 0.0f) + (i == partner ? other : 0.0f) + spread * weight_of(weights, i);
        gradient[i] = scale * (all * (exp(row[i] - largest) / sum) - target);
    }
}

__kernel void softmax_loss(const rncl_softmax_shape shape, const int first, const int per,
                           __global const float *restrict logits, __global const int *restrict labels,
                           __global const float *restrict weights, const float smoothing, const float mix,
                           const float scale, __global float *restrict losses, __global int *restrict ranks,
                           __global float *restrict dlogits)
{
    for (int turn = 0; turn < per; turn++) {
        const int n = element_at(turn, per);
        if (n >= shape.n)
            return;
        compute_row(shape, n, first, logits, labels, weights, smoothing, mix, scale, losses, ranks, dlogits);
    }
}

/* Work-items of a group that shares rows, at most. */
#define LARGEST_GROUP 256

/* What a work-item knows of its row's logits after a first look. */
typedef struct row_facts {
    float largest;
    int rank, not_finite; /* how many logits come before the judged one, and how many are not finite */
} row_facts;

/* Joins those of the `across` work-items of a row; all of them get the result. */
static void join_facts(__local row_facts *facts, int across, row_facts *own)
{
    const int at = get_local_id(0), j = at % across;
    barrier(CLK_LOCAL_MEM_FENCE);
    facts[at] = *own;
    for (int apart = across / 2; apart > 0; apart /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j < apart) {
            facts[at].largest = fmax(facts[at].largest, facts[at + apart].largest);
            facts[at].rank += facts[at + apart].rank;
            facts[at].not_finite += facts[at + apart].not_finite;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    *own = facts[at - j];
}

/* Sums over a row's classes. */
typedef struct row_sums {
    float exponentials, below, weight;
} row_sums;

static void add_sums(__local row_sums *sums, int across, row_sums *own)
{
    const int at = get_local_id(0), j = at % across;
    sums[at] = *own;
    for (int apart = across / 2; apart > 0; apart /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j < apart) {
            sums[at].exponentials += sums[at + apart].exponentials;
            sums[at].below += sums[at + apart].below;
            sums[at].weight += sums[at + apart].weight;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    *own = sums[at - j];
}

__kernel void softmax_shared_loss(const rncl_softmax_shape shape, const int first, const int across,
                                  __global const float *restrict logits, __global const int *restrict labels,
                                  __global const float *restrict weights, const float smoothing,
                                  const float mix, const float scale, __global float *restrict losses,
                                  __global int *restrict ranks, __global float *restrict dlogits)
{
    __local row_facts all_facts[LARGEST_GROUP];
    __local row_sums all_sums[LARGEST_GROUP];
    const int n = get_global_id(0) / across, j = get_global_id(0) % across;
    const int label = n < shape.n ? labels[first + n] : RNCL_NO_LABEL;
    /* Work-items without a row go through the same barriers. */
    const int k = label == RNCL_NO_LABEL ? 0 : shape.k;
    const int partner = k && mix > 0.0f ? labels[first + shape.n - 1 - n] : label;
    const int judged = mix > 0.5f ? partner : label;
    __global const float *row = logits + (size_t)n * shape.k;
    row_facts facts = {-INFINITY, 0, 0};
    for (int i = j; i < k; i += across) {
        facts.largest = fmax(facts.largest, row[i]);
        facts.rank += row[i] > row[judged] || (row[i] == row[judged] && i < judged);
        facts.not_finite += !isfinite(row[i]);
    }
    join_facts(all_facts, across, &facts);
    row_sums sums = {0.0f, 0.0f, 0.0f};
    for (int i = j; i < k; i += across) {
        sums.exponentials += exp(row[i] - facts.largest);
        sums.below += weight_of(weights, i) * (facts.largest - row[i]);
        sums.weight += weight_of(weights, i);
    }
    add_sums(all_sums, across, &sums);
    if (n >= shape.n)
        return;
    __global float *gradient = dlogits ? dlogits + (size_t)n * shape.k : 0;
    float loss = 0.0f, own = 0.0f, other = 0.0f, spread = 0.0f, all = 0.0f;
    if (k) {
        own = (1.0f - mix) * (1.0f - smoothing) * weight_of(weights, label);
        other = mix * (1.0f - smoothing) * weight_of(weights, partner);
        spread = smoothing / (float)k;
        all = own + other + spread * sums.weight;
        loss = facts.not_finite ? NAN
                                : all * log(sums.exponentials) + own * (facts.largest - row[label]) +
                                      other * (facts.largest - row[partner]) + spread * sums.below;
    }
    if (j == 0) {
        losses[first + n] = loss;
        ranks[first + n] = !k ? -1 : facts.not_finite ? RNCL_RANK_NOT_FINITE : facts.rank;
    }
    for (int i = j; gradient && i < shape.k; i += across) {
        float slope = k ? NAN : 0.0f;
        if (k && !facts.not_finite) {
            const float target =
                (i == label ? own : 0.0f) + (i == partner ? other : 0.0f) + spread * weight_of(weights, i);
            slope = scale * (all * (exp(row[i] - facts.largest) / sums.exponentials) - target);
        }
        gradient[i] = slope;
    }
}
