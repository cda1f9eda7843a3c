/* Softmax cross-entropy (kernels/softmax.cl): the end of every forward pass and the start of every
 * backward one. Reads the logits x [n][k] and the labels; class_weights may be NULL (all 1). Writes
 * losses, ranks and, unless it is NULL, dx = scalars.scale times the gradient of the loss. Labels, losses
 * and ranks are buffers of a whole batch, in which this call's n rows start at scalars.first. Also reads
 * scalars.smoothing and scalars.mix: the loss is (1 - mix) times that of the row's label, plus mix times
 * that of the label at the other end of this call's rows. Rows with the label RNCL_NO_LABEL are skipped,
 * except where labels are mixed. */
#include "elementwise.h"
#include "single.h"
#include "util.h"

enum { PRESET_LOCAL = 8, PRESET_SHARED = 64 };

static rncl_status softmax_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_softmax_shape *s = &desc->softmax;
    (void)choice, (void)needs;
    return s->n > 0 && s->k > 0 ? RNCL_OK
                                : RNCL_FAIL(RNCL_ERR_SHAPE, "softmax of %d rows of %d classes", s->n, s->k);
}

/* The knob behind those of elementwise passes: work-items that share a row. With 1 the kernel in which a
 * work-item computes whole rows. */
enum { ACROSS = RNCL_ELEMENTWISE_KNOBS, MOST_ACROSS = 256, CLASSES_AN_ITEM = 4 };

/* Work-items may share a row where local memory holds what the largest group tells each other. */
static bool may_share(const rncl_context *context)
{
    enum { ITEM_BYTES = 2 * 3 * sizeof(float) };
    return MOST_ACROSS * ITEM_BYTES <= context->info.local_memory;
}

/* On a GPU neighbouring work-items read neighbouring classes. */
static int preset_across(const rncl_pass *pass)
{
    const bool share = pass->context->device_class == RNCL_CLASS_GPU && may_share(pass->context);
    const int most = rncl_elementwise_local(pass->context);
    int across = 1;
    while (share && 2 * across <= most && CLASSES_AN_ITEM * across < pass->desc.softmax.k)
        across *= 2;
    return across;
}

static void softmax_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    const int across = preset_across(pass), local = across > 1 ? MAX(across, PRESET_SHARED) : PRESET_LOCAL;
    const size_t largest = pass->context->info.max_work_group_size;
    rncl_elementwise_add_knobs(pass, 1, local, knobs);
    rncl_knobs_add_doubling(knobs, (rncl_knob_name){"across", NULL}, across, 1,
                            (int)MIN(largest, (size_t)MOST_ACROSS));
}

static bool softmax_allows(const rncl_pass *pass)
{
    const int across = pass->values[ACROSS];
    return rncl_elementwise_group(pass) % across == 0 && (across == 1 || may_share(pass->context));
}

static rncl_status softmax_build(rncl_pass *pass)
{
    const char *name = pass->values[ACROSS] > 1 ? "softmax_shared_loss" : "softmax_loss";
    RNCL_TRY(rncl_pass_kernel(pass, "softmax", "", name, pass->data));
    return rncl_kernel_require(pass->context, pass->data, (size_t)rncl_elementwise_group(pass));
}

static rncl_status softmax_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_softmax_shape *s = &pass->desc.softmax;
    const int across = pass->values[ACROSS];
    const size_t group = (size_t)rncl_elementwise_group(pass);
    const rncl_range shared = {.global = {rncl_round_up((size_t)s->n * (size_t)across, group)},
                               .local = {group, 1, 1}};
    return rncl_launch(pass->context, pass->data,
                       across > 1 ? shared : rncl_elementwise_frame(pass, (size_t)s->n), RNCL_STRUCT(*s),
                       RNCL_INT(scalars->first), RNCL_INT(across > 1 ? across : rncl_elementwise_per(pass)),
                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->labels), RNCL_BUFFER(b->class_weights),
                       RNCL_FLOAT(scalars->smoothing), RNCL_FLOAT(scalars->mix), RNCL_FLOAT(scalars->scale),
                       RNCL_BUFFER(b->losses), RNCL_BUFFER(b->ranks), RNCL_BUFFER(b->dx));
}

static const rncl_row row = {
    .name = "",
    .programs = {"softmax"},
    .knobs = softmax_knobs,
    .allows = softmax_allows,
    .plan = rncl_elementwise_plan,
    .build = softmax_build,
    .enqueue = softmax_enqueue,
    .destroy = rncl_elementwise_destroy,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    return rncl_single_launch(pass, RNCL_STRUCT(pass->desc.softmax), RNCL_INT(scalars->first),
                              RNCL_BUFFER(b->x), RNCL_BUFFER(b->labels), RNCL_BUFFER(b->class_weights),
                              RNCL_FLOAT(scalars->smoothing), RNCL_FLOAT(scalars->mix),
                              RNCL_FLOAT(scalars->scale), RNCL_BUFFER(b->losses), RNCL_BUFFER(b->ranks),
                              RNCL_BUFFER(b->dx));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_softmax = {
    .name = "softmax",
    .passes = {{.name = "loss"}},
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = softmax_shape,
};
