/* Weights that other programs wrote: types, names, channels and values that differ from rncl's own. */
#include "temporary.h"

#include <math.h>

#include "model.h"
#include "model_place.h"
#include "model_variants.h"
#include "util.h"

static const rncl_network_options small = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8};

/* How a file differs from what rncl writes. */
typedef struct foreign {
    const char *dtype;         /* of all floats; NULL: F32 */
    const char *batches_dtype; /* of num_batches_tracked; NULL: there is none */
    const char *prefix;        /* NULL: none */
    const char *beside;        /* a tensor without the prefix; NULL: none */
    const char *spoilt;        /* the tensor whose third value is `spoiling`; NULL: none */
    float spoiling;
    const char *omitted; /* a tensor that is not there */
    const char *added;   /* a tensor more; NULL: none */
    int added_rank;
    int added_dims[4];
} foreign;

static const struct {
    const char *name;
    size_t size_bytes;
} types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2},
             {"I8", 1},  {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1}};

static size_t size_of(const char *dtype)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (strcmp(types[i].name, dtype) == 0)
            return types[i].size_bytes;
    fail_msg("no type %s", dtype);
    return 0;
}

/* For values that are exact in every type, and for values that are not finite. */
static void encode(const char *dtype, float value, unsigned char *bytes)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (strcmp(dtype, "F64") == 0) {
        memcpy(bytes, &(double){(double)value}, 8);
    } else if (strcmp(dtype, "BF16") == 0) {
        memcpy(bytes, (unsigned char *)&bits + 2, 2);
    } else if (strcmp(dtype, "F16") == 0) {
        const uint32_t exponent = bits >> 23 & 255;
        uint32_t half = bits >> 16 & 0x8000;
        if (exponent)
            half |= (exponent == 255 ? 31 : exponent - 112) << 10 | (bits >> 13 & 1023);
        memcpy(bytes, &half, 2);
    } else if (strcmp(dtype, "F32") == 0) {
        memcpy(bytes, &bits, 4);
    } else {
        bytes[0] = (unsigned char)(int)value;
    }
}

enum { BATCHES = 7 }; /* num_batches_tracked of what is written */

/* Small numbers, exact in every type, another for each place. */
static float value_at(size_t index)
{
    return (float)((int)(index * 37 % 61) - 30) / 32;
}

typedef struct output {
    char header[32768];
    unsigned char *data;
    size_t length, data_bytes;
} output;

static void add_tensor(output *out, const foreign *f, const char *name, const char *suffix, const int *dims,
                       int rank, const char *dtype)
{
    char full[128], shape[64] = "";
    size_t count = 1, length = 0;
    snprintf(full, sizeof full, "%s%s", name, suffix);
    const bool is_beside = f->beside && strcmp(full, f->beside) == 0;
    if (f->omitted && strcmp(full, f->omitted) == 0)
        return;
    for (int i = 0; i < rank; i++) {
        length += (size_t)snprintf(shape + length, sizeof shape - length, "%s%d", i ? "," : "", dims[i]);
        count *= (size_t)dims[i];
    }
    const size_t item = size_of(dtype), end = out->data_bytes + count * item;
    out->length += (size_t)snprintf(out->header + out->length, sizeof out->header - out->length,
                                    "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                                    out->length > 1 ? "," : "", f->prefix && !is_beside ? f->prefix : "",
                                    full, dtype, shape, out->data_bytes, end);
    assert_true(out->length < sizeof out->header);
    out->data = realloc(out->data, end + 1);
    assert_non_null(out->data);
    for (size_t i = 0; i < count; i++) {
        unsigned char *to = out->data + out->data_bytes + i * item;
        memset(to, 0, item);
        const bool spoilt = f->spoilt && strcmp(full, f->spoilt) == 0 && i == 2;
        encode(dtype, rank == 0 ? BATCHES : spoilt ? f->spoiling : value_at(i), to);
    }
    out->data_bytes = end;
}

static void write_foreign(const rncl_graph *graph, const foreign *f)
{
    output out = {.header = "{", .length = 1};
    const char *dtype = f->dtype ? f->dtype : "F32";
    for (size_t i = 0; i < graph->running_count; i++) {
        const rncl_running *running = &graph->running[i];
        add_tensor(&out, f, running->name, ".running_var", &running->channels, 1, dtype);
        add_tensor(&out, f, running->name, ".running_mean", &running->channels, 1, dtype);
        if (f->batches_dtype)
            add_tensor(&out, f, running->name, ".num_batches_tracked", NULL, 0, f->batches_dtype);
    }
    for (size_t i = 0; i < graph->param_count; i++) {
        const rncl_param *param = &graph->params[i];
        add_tensor(&out, f, param->name, "", param->dims, param->rank, dtype);
    }
    if (f->beside)
        add_tensor(&out, f, f->beside, "", (const int[]){2}, 1, dtype);
    if (f->added)
        add_tensor(&out, f, f->added, "", f->added_dims, f->added_rank, dtype);
    snprintf(out.header + out.length, sizeof out.header - out.length, "}");
    write_raw(out.header, strlen(out.header), out.data, out.data_bytes);
    free(out.data);
}

/* ---- loading, and what is said meanwhile ---- */

static char said[1024];
static int said_lines;

static void hear(void *user, rncl_log_level level, const char *line)
{
    (void)user;
    (void)level;
    if (strstr(line, "has no checksum")) /* true for all files here */
        return;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
    said_lines++;
}

static const rncl_log ear = {.write = hear};

typedef struct loaded {
    rncl_graph *graph;
    float *params, *state;
    int64_t batches;
} loaded;

static loaded make(rncl_network_options options)
{
    loaded l = {.graph = build(options)};
    l.params = calloc(l.graph->param_floats, sizeof *l.params);
    l.state = calloc(l.graph->state_floats, sizeof *l.state);
    assert_non_null(l.params);
    assert_non_null(l.state);
    return l;
}

static void release(loaded *l)
{
    free(l->params);
    free(l->state);
    rncl_graph_destroy(l->graph);
}

static rncl_status load(loaded *l, bool adapt_stem, bool training)
{
    const rncl_model_source source = {
        .path = path, .log = &ear, .adapt_stem = adapt_stem, .training = training};
    said[0] = '\0';
    said_lines = 0;
    return rncl_model_load(&source, l->graph, l->params, l->state, &l->batches);
}

/* All values are those that write_foreign wrote. */
static void expect_values(const loaded *l)
{
    for (size_t i = 0; i < l->graph->param_count; i++) {
        const rncl_param *p = &l->graph->params[i];
        const int *d = p->dims;
        for (size_t k = 0; k < p->count; k++) {
            const size_t inner = p->rank == 4   ? (size_t)(d[1] * d[2] * d[3])
                                 : p->rank == 2 ? (size_t)d[1]
                                                : 1;
            const size_t taps = p->rank == 4 ? (size_t)(d[2] * d[3]) : 1;
            const size_t out = k / inner, in = k % inner / taps, tap = k % taps;
            const size_t here = (tap * (inner / taps) + in) * (size_t)d[0] + out;
            assert_float_equal(l->params[p->offset + here], value_at(k), 0);
        }
    }
    for (size_t i = 0; i < l->graph->running_count; i++)
        for (int c = 0; c < l->graph->running[i].channels; c++)
            assert_float_equal(l->state[l->graph->running[i].mean_offset + (size_t)c], value_at((size_t)c),
                               0);
}

static void every_type_and_prefix_gives_the_same_values(void **unused)
{
    (void)unused;
    static const char *const floats[] = {"F16", "BF16", "F32", "F64"};
    static const char *const prefixes[] = {NULL,     "module.",   "_orig_mod.",
                                           "model.", "backbone.", "module._orig_mod."};
    for (size_t i = 0; i < COUNT(floats); i++) {
        for (size_t k = 0; k < COUNT(prefixes); k++) {
            loaded l = make(small);
            write_foreign(l.graph, &(foreign){.dtype = floats[i], .prefix = prefixes[k]});
            if (load(&l, false, false))
                fail_msg("%s", rncl_status_message());
            expect_values(&l);
            assert_int_equal(said_lines, prefixes[k] ? 1 : 0);
            if (prefixes[k])
                assert_non_null(strstr(said, prefixes[k]));
            release(&l);
        }
    }
}

/* As Lightning, detectors and methods of self-supervision save them. */
static void a_network_is_found_behind_any_prefix_and_beside_other_things(void **unused)
{
    (void)unused;
    static const foreign files[] = {{.prefix = "encoder."},
                                    {.prefix = "module.base.net."},
                                    {.prefix = "backbone.", .beside = "head.weight"},
                                    {.prefix = "model.", .beside = "criterion.weight"}};
    for (size_t i = 0; i < COUNT(files); i++) {
        loaded l = make(small);
        write_foreign(l.graph, &files[i]);
        if (load(&l, false, false))
            fail_msg("%s", rncl_status_message());
        expect_values(&l);
        assert_non_null(strstr(said, files[i].beside ? "not of this network: 1" : files[i].prefix));
        release(&l);
    }
}

static void of_several_networks_none_is_chosen(void **unused)
{
    (void)unused;
    static const char *const names[] = {"conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight"};
    enum { NAMES = COUNT(names) };
    static char full[2 * NAMES][64];
    loaded l = make(small);
    rncl_tensor_file file = {.tensors = calloc(2 * NAMES, sizeof *file.tensors), .count = 2 * NAMES};
    assert_non_null(file.tensors);
    static const size_t order[] = {2, 1, 0, 3}; /* by name */
    for (size_t i = 0; i < 2 * NAMES; i++) {
        snprintf(full[i], sizeof full[i], "encoder_%c.%s", i < NAMES ? 'k' : 'q', names[order[i % NAMES]]);
        file.tensors[i].name = full[i];
    }
    size_t dropped;
    assert_int_equal(rncl_model_place_find("it.pth", l.graph, &file, &dropped), RNCL_ERR_MODEL);
    assert_message_has("several networks, encoder_k. and encoder_q.");
    rncl_tensor_file_close(&file);
    release(&l);
}

static void another_last_layer_is_left_out_in_training(void **unused)
{
    (void)unused;
    static const char *const heads[] = {"fc.1.weight", "head.fc.weight", "classifier.weight"};
    for (size_t i = 0; i < COUNT(heads); i++) {
        loaded l = make(small);
        const foreign file = {.omitted = "fc.weight", .added = heads[i], .added_rank = 1, .added_dims = {4}};
        write_foreign(l.graph, &file);
        assert_int_equal(load(&l, false, true), RNCL_OK);
        assert_non_null(strstr(said, "fc starts anew"));
        assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
        write_foreign(l.graph, &(foreign){.omitted = "fc.weight",
                                          .added = "layer1.0.conv3.weight",
                                          .added_rank = 1,
                                          .added_dims = {4}});
        assert_int_equal(load(&l, false, true), RNCL_ERR_MODEL);
        assert_message_has("no layer1.0.conv3.weight");
        release(&l);
    }
}

static void batches_tracked_may_be_any_number_and_nothing_else(void **unused)
{
    (void)unused;
    static const char *const numbers[] = {"I64", "I32", "I16", "I8",   "U64", "U32",
                                          "U16", "U8",  "F16", "BF16", "F32", "F64"};
    loaded l = make(small);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        write_foreign(l.graph, &(foreign){.batches_dtype = numbers[i]});
        l.batches = 0;
        assert_int_equal(load(&l, false, false), RNCL_OK);
        assert_int_equal(l.batches, BATCHES);
    }
    write_foreign(l.graph, &(foreign){.batches_dtype = "BOOL"});
    assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
    assert_message_has("num_batches_tracked is BOOL []");
    write_foreign(l.graph, &(foreign){.dtype = "I32"});
    assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
    assert_message_has("is I32");
    release(&l);
}

static void other_numbers_of_channels_are_the_reason_that_is_given(void **unused)
{
    (void)unused;
    rncl_network_options grey = small;
    grey.channels = 1;
    loaded colour = make(small), l = make(grey);
    write_foreign(colour.graph, &(foreign){0});
    assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
    assert_message_has("conv1.weight is for pictures of 3 channels, these have 1");
    assert_message_has("--adapt-stem");
    release(&colour);
    release(&l);
}

/* Tap `t` of output `o` for input `i`, in the layout of devices. */
static float stem(const loaded *l, int o, int i, int t)
{
    const rncl_param *p = &l->graph->params[l->graph->nodes[0].weight];
    return l->params[p->offset + (size_t)((t * p->dims[1] + i) * p->dims[0] + o)];
}

static void stems_are_converted_for_other_channels(void **unused)
{
    (void)unused;
    static const struct {
        int from, to;
    } cases[] = {{3, 1}, {1, 3}, {3, 4}, {4, 3}, {1, 4}};
    for (size_t n = 0; n < COUNT(cases); n++) {
        const int from = cases[n].from, to = cases[n].to;
        rncl_network_options before = small, after = small;
        before.channels = from;
        after.channels = to;
        loaded saved = make(before), l = make(after);
        write_foreign(saved.graph, &(foreign){0});
        assert_int_equal(load(&l, true, false), RNCL_OK);
        assert_int_equal(said_lines, 1);
        assert_non_null(strstr(said, "first convolution"));
        for (int o = 0; o < 16; o++) {
            for (int t = 0; t < 9; t++) {
                float sum = 0;
                for (int i = 0; i < from; i++)
                    sum += value_at((size_t)((o * from + i) * 9 + t));
                if (to == 1)
                    assert_float_equal(stem(&l, o, 0, t), sum, 1e-6f);
                for (int i = 0; i < to && to > 1; i++)
                    assert_float_equal(
                        stem(&l, o, i, t),
                        value_at((size_t)((o * from + i % from) * 9 + t)) * (float)from / (float)to, 1e-6f);
            }
        }
        release(&saved);
        release(&l);
    }
}

static void weights_that_are_not_finite_are_the_files_fault_in_training(void **unused)
{
    (void)unused;
    static const struct {
        const char *dtype, *spoilt;
        float value;
        const char *message;
    } cases[] = {
        {"F32", "layer1.0.conv1.weight", NAN, "layer1.0.conv1.weight holds NaN"},
        {"F16", "fc.bias", INFINITY, "fc.bias holds infinity"},
        {"BF16", "bn1.running_var", -INFINITY, "bn1.running_var holds infinity"},
        {"F64", "layer2.0.bn1.running_mean", NAN, "layer2.0.bn1.running_mean holds NaN"},
    };
    loaded l = make(small);
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_foreign(
            l.graph,
            &(foreign){.dtype = cases[i].dtype, .spoilt = cases[i].spoilt, .spoiling = cases[i].value});
        l.params[0] = 42;
        assert_int_equal(load(&l, false, true), RNCL_ERR_MODEL);
        assert_message_has(cases[i].message);
        assert_float_equal(l.params[0], 42, 0);
        assert_int_equal(load(&l, false, false), RNCL_OK); /* for an evaluation they are loaded */
    }
    release(&l);
}

static void training_starts_a_missing_last_layer_anew_and_whole(void **unused)
{
    (void)unused;
    loaded l = make(small);
    const rncl_param *fc = &l.graph->params[node_named(l.graph, "fc")->weight];
    write_foreign(l.graph, &(foreign){.omitted = "fc.bias"});
    l.params[fc->offset] = 42;
    assert_int_equal(load(&l, false, true), RNCL_OK);
    assert_float_equal(l.params[fc->offset], 42, 0);
    assert_non_null(strstr(said, "fc starts anew"));
    assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
    assert_message_has("fc.bias is missing");
    release(&l);
}

static void networks_that_rncl_lacks_are_called_by_name(void **unused)
{
    (void)unused;
    static const struct {
        foreign file;
        const char *message;
    } cases[] = {
        {{.omitted = "conv1.weight", .added = "conv1.0.weight", .added_rank = 1, .added_dims = {4}},
         "three convolutions"},
        {{.added = "layer1.0.se.fc1.weight", .added_rank = 1, .added_dims = {4}}, "squeeze-and-excitation"},
        {{.omitted = "layer1.0.conv2.weight",
          .added = "stages.0.blocks.0.conv2.weight",
          .added_rank = 1,
          .added_dims = {4}},
         "named and built otherwise"},
        {{.added = "cls_token", .added_rank = 1, .added_dims = {4}}, "vision transformer"},
        {{.omitted = "bn1.running_mean"}, "no running statistics"},
    };
    loaded l = make(small);
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_foreign(l.graph, &cases[i].file);
        assert_int_equal(load(&l, false, false), RNCL_ERR_MODEL);
        assert_message_has("rncl does not have this network");
        assert_message_has(cases[i].message);
    }
    release(&l);
}

/* ResNeXt and Wide ResNet have ResNet-50's names and other shapes. */
static void shapes_tell_resnext_and_wide_networks(void **unused)
{
    (void)unused;
    static const struct {
        int channels[4];
        const char *message;
    } cases[] = {{{128, 4, 3, 3}, "ResNeXt"}, {{128, 128, 3, 3}, "Wide ResNet"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_tensor_file file = {.count = 2};
        rncl_file_tensor tensors[] = {{.name = "layer1.0.conv2.weight", .rank = 4},
                                      {.name = "layer1.0.conv3.weight"}};
        for (int d = 0; d < 4; d++)
            tensors[0].dims[d] = (size_t)cases[i].channels[d];
        file.tensors = tensors;
        assert_non_null(strstr(rncl_model_variant(&file), cases[i].message));
    }
}

static void paths_tell_what_tensors_do_not(void **unused)
{
    (void)unused;
    assert_string_equal(rncl_model_variant_of_path("hub/models--timm--resnetaa50.a1h_in1k/model.safetensors"),
                        "resnetaa");
    assert_string_equal(rncl_model_variant_of_path("ResNetBlur50.pth"), "resnetblur");
    assert_null(rncl_model_variant_of_path("resnet50.pth"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_prefix_gives_the_same_values),
        cmocka_unit_test(a_network_is_found_behind_any_prefix_and_beside_other_things),
        cmocka_unit_test(of_several_networks_none_is_chosen),
        cmocka_unit_test(another_last_layer_is_left_out_in_training),
        cmocka_unit_test(batches_tracked_may_be_any_number_and_nothing_else),
        cmocka_unit_test(other_numbers_of_channels_are_the_reason_that_is_given),
        cmocka_unit_test(stems_are_converted_for_other_channels),
        cmocka_unit_test(weights_that_are_not_finite_are_the_files_fault_in_training),
        cmocka_unit_test(training_starts_a_missing_last_layer_anew_and_whole),
        cmocka_unit_test(networks_that_rncl_lacks_are_called_by_name),
        cmocka_unit_test(paths_tell_what_tensors_do_not),
        cmocka_unit_test(shapes_tell_resnext_and_wide_networks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
