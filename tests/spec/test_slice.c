/* Slices of the operations' cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slice.h"
#include "util.h"

/* The boxes cover every value of the slice's tensor once, from places inside the whole one. */
static void expect_cover(const rncl_spec_case *c, rncl_slot slot, rncl_random *random)
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    rncl_spec_slice slice;
    rncl_slice_cut(c, random, &slice);
    const rncl_spec_layout part = spec->layout(&slice.part, slot), whole = spec->layout(c, slot);
    const size_t values = rncl_spec_layout_count(&part);
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    const size_t count = rncl_slice_boxes(&slice, &part, &whole, boxes);
    unsigned char *covered = calloc(values + 1, 1);
    assert_non_null(covered);
    for (size_t b = 0; values && b < count; b++)
        for (size_t i = 0; i < boxes[b].size[0]; i++)
            for (size_t j = 0; j < boxes[b].size[1]; j++)
                for (size_t k = 0; k < boxes[b].size[2]; k++) {
                    const size_t at[] = {i, j, k};
                    for (int d = 0; d < 3; d++)
                        assert_true(boxes[b].from[d] + at[d] < whole.size[d]);
                    const size_t place =
                        ((boxes[b].to[0] + i) * part.size[1] + boxes[b].to[1] + j) * part.size[2] +
                        boxes[b].to[2] + k;
                    assert_true(place < values && !covered[place]);
                    covered[place] = 1;
                }
    for (size_t i = 0; i < values; i++)
        assert_true(covered[i]);
    free(covered);
}

/* Calls `expect` with each fixed shape of each pass, with its scalars. */
static int for_all_cases(void (*expect)(const rncl_spec_case *c))
{
    int count = 0;
    for (rncl_op_kind kind = 0; kind < RNCL_OP_COUNT; kind++) {
        const rncl_spec *spec = rncl_spec_of(kind);
        for (size_t i = 0; i < spec->shape_count; i++)
            for (int pass = 0; pass < RNCL_OP_PASSES && rncl_op_type_of(kind)->passes[pass].name; pass++) {
                rncl_spec_case c = spec->shapes[i];
                c.pass = pass;
                c.scalars.flags = RNCL_OP_TRAINING;
                expect(&c);
                count++;
            }
    }
    return count;
}

static void expect_covers(const rncl_spec_case *c)
{
    const rncl_spec_pass *p = &rncl_spec_of(c->desc.kind)->passes[c->pass];
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    RNCL_FOR_SLOTS ((p->reads | p->results) & ~RNCL_SLOT_BIT(saved), slot) {
        expect_cover(c, slot, NULL);
        for (int i = 0; i < 5; i++)
            expect_cover(c, slot, &random);
    }
}

static void boxes_cover_the_slices_of_all_operations(void **state)
{
    (void)state;
    assert_true(for_all_cases(expect_covers) > 40);
}

/* The whole tensors of a case as floats and integers, and as the reference sees them. */
typedef struct tensors {
    void *values[RNCL_SLOTS];
    double *exact[RNCL_SLOTS];
    size_t counts[RNCL_SLOTS];
} tensors;

static void store(const tensors *t, rncl_slot slot, size_t i, double value)
{
    if (RNCL_INTEGER_SLOTS & 1u << slot)
        ((int32_t *)t->values[slot])[i] = (int32_t)value;
    else
        ((float *)t->values[slot])[i] = (float)value;
}

static tensors draw_tensors(const rncl_spec_case *c, unsigned slots)
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    rncl_random random = rncl_random_stream(2, RNCL_RANDOM_TEST, 0, 0);
    tensors t = {.counts = {0}};
    RNCL_FOR_SLOTS (slots & ~RNCL_SLOT_BIT(saved), slot) {
        const rncl_spec_layout layout = spec->layout(c, slot);
        t.counts[slot] = rncl_spec_layout_count(&layout);
        t.values[slot] = calloc(t.counts[slot] + 1, sizeof(float));
        t.exact[slot] = calloc(t.counts[slot] + 1, sizeof(double));
        assert_true(t.values[slot] && t.exact[slot]);
        for (size_t i = 0; i < t.counts[slot]; i++) {
            const double normal = (double)rncl_random_normal(&random);
            const double value = spec->adjust ? spec->adjust(c, slot, i, normal) : normal;
            t.exact[slot][i] =
                RNCL_INTEGER_SLOTS & 1u << slot ? (double)(int32_t)value : (double)(float)value;
            store(&t, slot, i, value);
        }
    }
    return t;
}

/* Results that the reference computes from whole tensors pass for those of slices. */
static void expect_slices_of_the_whole(const rncl_spec_case *c)
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    const rncl_spec_pass *p = &spec->passes[c->pass];
    if (c->diverged)
        return;
    tensors inputs = draw_tensors(c, p->reads | p->results), results = draw_tensors(c, p->reads | p->results);
    spec->reference(c, results.exact);
    const void *read[RNCL_SLOTS] = {NULL}, *written[RNCL_SLOTS] = {NULL};
    RNCL_FOR_SLOTS (p->reads, slot)
        read[slot] = inputs.values[slot];
    RNCL_FOR_SLOTS (p->results & ~RNCL_SLOT_BIT(saved), slot) {
        for (size_t i = 0; i < results.counts[slot]; i++)
            store(&results, slot, i, results.exact[slot][i]);
        written[slot] = results.values[slot];
    }
    const rncl_status st = rncl_slice_check(c, read, written);
    if (st)
        fail_msg("%s, pass %d: %s", rncl_op_type_of(c->desc.kind)->name, c->pass, rncl_status_message());
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        free(inputs.values[slot]);
        free(inputs.exact[slot]);
        free(results.values[slot]);
        free(results.exact[slot]);
    }
}

static void slices_have_the_results_of_the_whole(void **state)
{
    (void)state;
    assert_true(for_all_cases(expect_slices_of_the_whole) > 40);
}

/* Otherwise a fault that hits other values would never be looked at. */
static void drawn_slices_reach_all_of_an_axis(void **state)
{
    (void)state;
    const rncl_op_desc desc = {.kind = RNCL_OP_avgpool, .avgpool = {.n = 9, .h = 2, .w = 2, .c = 5}};
    const rncl_spec_case c = rncl_spec_training_case(&desc, 0);
    bool reached[9] = {false};
    for (uint32_t i = 0; i < 200; i++) {
        rncl_random random = rncl_random_stream(3, RNCL_RANDOM_TEST, 0, i);
        rncl_spec_slice slice;
        rncl_slice_cut(&c, &random, &slice);
        for (int pick = 0; pick < slice.picks[RNCL_AXIS_IMAGES].count; pick++)
            reached[slice.picks[RNCL_AXIS_IMAGES].index[pick]] = true;
    }
    for (size_t i = 0; i < COUNT(reached); i++)
        assert_true(reached[i]);
}

/* Of 5 pictures and 7 outputs: the first, the middle and the last; all of x of those pictures. */
static void a_convolution_is_cut_into_pictures_and_outputs(void **state)
{
    (void)state;
    const rncl_op_desc desc = {
        .kind = RNCL_OP_conv,
        .conv = {.n = 5, .h = 4, .w = 4, .c = 2, .k = 7, .r = 1, .s = 1, .stride = 1, .p = 4, .q = 4}};
    const rncl_spec_case c = rncl_spec_training_case(&desc, RNCL_CONV_FORWARD);
    const rncl_spec *spec = rncl_spec_of(RNCL_OP_conv);
    rncl_spec_slice slice;
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    rncl_slice_cut(&c, NULL, &slice);
    const rncl_spec_layout x = spec->layout(&slice.part, RNCL_SLOT_x),
                           whole_x = spec->layout(&c, RNCL_SLOT_x);
    assert_int_equal(rncl_slice_boxes(&slice, &x, &whole_x, boxes), 3);
    assert_int_equal(boxes[1].from[0], 2);
    assert_int_equal(boxes[1].to[0], 1);
    assert_int_equal(boxes[1].size[1], 16);
    assert_int_equal(boxes[1].size[2], 2);
    const rncl_spec_layout y = spec->layout(&slice.part, RNCL_SLOT_y),
                           whole_y = spec->layout(&c, RNCL_SLOT_y);
    assert_int_equal(rncl_slice_boxes(&slice, &y, &whole_y, boxes), 9);
    assert_int_equal(boxes[8].from[0], 4);
    assert_int_equal(boxes[8].from[2], 6);
    assert_int_equal(boxes[8].size[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_cover_the_slices_of_all_operations),
        cmocka_unit_test(slices_have_the_results_of_the_whole),
        cmocka_unit_test(drawn_slices_reach_all_of_an_axis),
        cmocka_unit_test(a_convolution_is_cut_into_pictures_and_outputs),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
