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
#include "softmax.clh"

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
