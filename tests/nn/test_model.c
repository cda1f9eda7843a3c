/* Model files: saved values are loaded again, PyTorch's layout is understood, files that do not fit are
 * refused. */
#include "temporary.h"

#include <float.h>
#include <math.h>

#include "file.h"
#include "model.h"
#include "util.h"

typedef struct model {
    rncl_graph *graph;
    float *params, *state;
    int64_t batches;
} model;

static model make_model(rncl_network_options options, uint64_t seed)
{
    model m = {.graph = build(options), .batches = 1234567890123};
    m.params = malloc(m.graph->param_floats * sizeof *m.params);
    m.state = malloc(m.graph->state_floats * sizeof *m.state);
    assert_non_null(m.params);
    assert_non_null(m.state);
    rncl_graph_initialise(m.graph, seed, m.params, m.state);
    for (size_t i = 0; i < m.graph->running_count; i++)
        m.state[m.graph->running[i].mean_offset] = (float)i + 0.1f;
    return m;
}

static void release(model *m)
{
    free(m->params);
    free(m->state);
    rncl_graph_destroy(m->graph);
}

static const rncl_network_options small = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8};
static const rncl_model_meta plain_meta = {.mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}};

static void save_model(const model *m)
{
    assert_int_equal(rncl_model_save(path, m->graph, &plain_meta, m->params, m->state, m->batches), RNCL_OK);
}

static rncl_status load_model(model *m)
{
    return rncl_model_load(&(rncl_model_source){.path = path}, m->graph, m->params, m->state, &m->batches);
}

static void saved_models_load_bit_for_bit(void **unused)
{
    (void)unused;
    static const rncl_network_options options[] = {
        {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .channels = 1, .classes = 7},
        {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .shortcut = RNCL_SHORTCUT_C},
        {.depth = 18, .image = 28},
    };
    for (size_t i = 0; i < COUNT(options); i++) {
        model saved = make_model(options[i], 1), loaded = make_model(options[i], 2);
        save_model(&saved);
        memset(loaded.params, 0xff, loaded.graph->param_floats * sizeof *loaded.params);
        memset(loaded.state, 0xff, loaded.graph->state_floats * sizeof *loaded.state);
        loaded.batches = 0;
        assert_int_equal(load_model(&loaded), RNCL_OK);
        assert_memory_equal(loaded.params, saved.params, saved.graph->param_floats * sizeof *saved.params);
        assert_memory_equal(loaded.state, saved.state, saved.graph->state_floats * sizeof *saved.state);
        assert_int_equal(loaded.batches, saved.batches);
        release(&saved);
        release(&loaded);
    }
}

static void one_model_gives_one_file(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    save_model(&m);
    rncl_contents first, second;
    assert_int_equal(rncl_file_read(path, &first), RNCL_OK);
    save_model(&m); /* replaces the name; the contents keeps the old file */
    assert_int_equal(rncl_file_read(path, &second), RNCL_OK);
    assert_int_equal(first.size_bytes, second.size_bytes);
    assert_memory_equal(first.data, second.data, first.size_bytes);
    rncl_contents_free(&first);
    rncl_contents_free(&second);
    release(&m);
}

/* A file as another program might write it: a header of any length, tensors in another order, no metadata
 * of rncl. */
typedef struct foreign {
    char header[16384];
    size_t length;
    float *data;
    size_t floats;
} foreign;

static void foreign_tensor(foreign *f, const char *name, const char *suffix, const int *dims, int rank)
{
    char shape[64] = "";
    size_t count = 1, length = 0;
    for (int i = 0; i < rank; i++) {
        length += (size_t)snprintf(shape + length, sizeof shape - length, "%s%d", i ? ", " : "", dims[i]);
        count *= (size_t)dims[i];
    }
    f->length += (size_t)snprintf(
        f->header + f->length, sizeof f->header - f->length,
        "%s\"%s%s\": {\"dtype\": \"F32\", \"shape\": [%s], \"data_offsets\": [%zu, %zu]}",
        f->length > 1 ? ", " : "", name, suffix, shape, f->floats * 4, (f->floats + count) * 4);
    assert_true(f->length < sizeof f->header);
    for (size_t i = 0; i < count; i++)
        f->data[f->floats + i] = (float)i; /* every tensor counts its own values */
    f->floats += count;
}

/* Holds all of the graph's tensors but parameter `omitted`, and no num_batches_tracked, like files of old. */
static void write_foreign(const rncl_graph *graph, size_t omitted, const char *renamed)
{
    foreign f = {.header = "{", .length = 1};
    f.data = malloc((graph->param_floats + graph->state_floats + 1) * sizeof *f.data);
    assert_non_null(f.data);
    for (size_t i = 0; i < graph->running_count; i++) {
        foreign_tensor(&f, graph->running[i].name, ".running_var", &graph->running[i].channels, 1);
        foreign_tensor(&f, graph->running[i].name, ".running_mean", &graph->running[i].channels, 1);
    }
    for (size_t i = graph->param_count; i-- > 0;) {
        const rncl_param *param = &graph->params[i];
        if (i != omitted)
            foreign_tensor(&f, param->name, "", param->dims, param->rank);
    }
    if (renamed)
        foreign_tensor(&f, renamed, "", &(int){1}, 1);
    snprintf(f.header + f.length, sizeof f.header - f.length, "}");
    write_raw(f.header, strlen(f.header), f.data, f.floats * sizeof *f.data);
    free(f.data);
}

static void filters_are_stored_output_input_row_column(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, SIZE_MAX, NULL);
    assert_int_equal(load_model(&m), RNCL_OK);
    const rncl_param *param = &m.graph->params[node_named(m.graph, "layer2.0.conv1")->weight];
    const float *filter = m.params + param->offset;
    for (int k = 0; k < 32; k++) {
        for (int c = 0; c < 16; c++) {
            for (int r = 0; r < 3; r++) {
                for (int s = 0; s < 3; s++) {
                    int in_file = ((k * 16 + c) * 3 + r) * 3 + s, here = ((r * 3 + s) * 16 + c) * 32 + k;
                    assert_float_equal(filter[here], (float)in_file, 0);
                }
            }
        }
    }
    release(&m);
}

static void linear_weights_are_stored_output_input(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, SIZE_MAX, NULL);
    assert_int_equal(load_model(&m), RNCL_OK);
    const float *weight = m.params + m.graph->params[node_named(m.graph, "fc")->weight].offset;
    for (int out = 0; out < 10; out++)
        for (int in = 0; in < 64; in++)
            assert_float_equal(weight[in * 10 + out], (float)(out * 64 + in), 0);
    release(&m);
}

static void batches_tracked_may_be_missing_and_count_as_none(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, SIZE_MAX, NULL);
    assert_int_equal(load_model(&m), RNCL_OK);
    assert_int_equal(m.batches, 0);
    assert_float_equal(m.state[m.graph->running[2].mean_offset + 3], 3, 0);
    assert_float_equal(m.state[m.graph->running[2].variance_offset + 5], 5, 0);
    release(&m);
}

/* Expects that loading fails with these words in the message and changes nothing. */
static void assert_refused(model *m, const char *first, const char *second)
{
    size_t param_bytes = m->graph->param_floats * sizeof *m->params;
    float *before = malloc(param_bytes);
    assert_non_null(before);
    memcpy(before, m->params, param_bytes);
    assert_int_equal(load_model(m), RNCL_ERR_MODEL);
    assert_message_has(path);
    assert_message_has(first);
    assert_message_has(second);
    assert_memory_equal(before, m->params, param_bytes);
    free(before);
}

static void missing_tensors_are_named(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, 4, NULL);
    assert_refused(&m, m.graph->params[4].name, "missing");
    release(&m);
}

static void unexpected_tensors_are_named(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, SIZE_MAX, "layer9.weight");
    assert_refused(&m, "layer9.weight", "the network has no");
    release(&m);
}

static void wrong_shapes_are_named_with_both_shapes(void **unused)
{
    (void)unused;
    rncl_network_options other = small;
    other.classes = 5;
    model saved = make_model(other, 1), m = make_model(small, 1);
    save_model(&saved);
    assert_refused(&m, "fc.weight is F32 [5, 64]", "wants F32 [10, 64]");
    release(&saved);
    release(&m);
}

static void networks_of_another_depth_are_refused(void **unused)
{
    (void)unused;
    rncl_network_options other = small;
    other.depth = 14;
    model shallow = make_model(small, 1), deep = make_model(other, 1);
    save_model(&shallow);
    assert_refused(&deep, "layer1.1", "missing");
    save_model(&deep);
    assert_refused(&shallow, "layer1.1", "the network has no");
    release(&shallow);
    release(&deep);
}

/* Collects log lines. */
static char said[1024];
static int said_lines;

static void hear(void *user, rncl_log_level level, const char *line)
{
    (void)user;
    (void)level;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
    said_lines++;
}

static const rncl_log ear = {.write = hear};

static void forget(void)
{
    said[0] = '\0';
    said_lines = 0;
}

/* Loads the model as --init does. */
static rncl_status start_from_file(model *m)
{
    const rncl_model_source source = {.path = path, .log = &ear, .training = true};
    forget();
    return rncl_model_load(&source, m->graph, m->params, m->state, &m->batches);
}

/* The file with some bits of one byte changed at `place`, counted from its end. */
static void change_byte(size_t place, unsigned char bits)
{
    rncl_contents file;
    assert_int_equal(rncl_file_read(path, &file), RNCL_OK);
    unsigned char *bytes = malloc(file.size_bytes);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size_bytes);
    const size_t size = file.size_bytes;
    rncl_contents_free(&file);
    bytes[size - 1 - place] ^= bits;
    assert_int_equal(rncl_file_write(path, bytes, size), RNCL_OK);
    free(bytes);
}

static void a_changed_tensor_is_noticed_by_the_checksum(void **unused)
{
    (void)unused;
    static const size_t places[] = {0, 1, 4321, 100000};
    model m = make_model(small, 1);
    for (size_t i = 0; i < COUNT(places); i++) {
        save_model(&m);
        assert_int_equal(load_model(&m), RNCL_OK);
        change_byte(places[i], 0x10);
        assert_int_equal(load_model(&m), RNCL_ERR_MODEL);
        assert_message_has("do not have the checksum");
        assert_message_has(path);
    }
    release(&m);
}

/* JSON that is still valid, with another number in it. */
static void a_changed_header_is_noticed_by_its_checksum(void **unused)
{
    (void)unused;
    static const char *const entries[] = {"\"rncl.mean\":\"", "\"rncl.std\":\"", "\"rncl.header\":\""};
    model m = make_model(small, 1);
    for (size_t i = 0; i < COUNT(entries); i++) {
        rncl_contents file;
        save_model(&m);
        assert_int_equal(rncl_file_read(path, &file), RNCL_OK);
        const unsigned char *entry = memmem(file.data, file.size_bytes, entries[i], strlen(entries[i]));
        assert_non_null(entry);
        const size_t place = (size_t)(entry - file.data) + strlen(entries[i]);
        const size_t size = file.size_bytes;
        rncl_contents_free(&file);
        change_byte(size - 1 - place, 1);
        assert_int_equal(load_model(&m), RNCL_ERR_MODEL);
        assert_message_has("header does not have the checksum");
    }
    release(&m);
}

static void files_without_a_checksum_are_read_and_that_is_said(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    write_foreign(m.graph, SIZE_MAX, NULL);
    assert_int_equal(start_from_file(&m), RNCL_OK);
    assert_non_null(strstr(said, "has no checksum"));
    save_model(&m);
    assert_int_equal(start_from_file(&m), RNCL_OK);
    assert_int_equal(said_lines, 0);
    release(&m);
}

static void training_keeps_the_last_layer_where_the_classes_differ(void **unused)
{
    (void)unused;
    rncl_network_options more = small, deeper = small;
    more.classes = 12;
    deeper.depth = 14;
    model ten = make_model(small, 1), twelve = make_model(more, 2), deep = make_model(deeper, 3);
    const size_t fc = ten.graph->params[ten.graph->param_count - 2].offset;
    const float first = twelve.params[fc];
    save_model(&ten);
    assert_int_equal(start_from_file(&twelve), RNCL_OK);
    assert_non_null(strstr(said, "fc starts anew"));
    assert_memory_equal(twelve.params, ten.params, fc * sizeof *ten.params);
    assert_memory_equal(&twelve.params[fc], &first, sizeof first);
    assert_int_equal(start_from_file(&ten), RNCL_OK);
    assert_int_equal(said_lines, 0);
    assert_int_equal(start_from_file(&deep), RNCL_ERR_MODEL);
    assert_int_equal(load_model(&twelve), RNCL_ERR_MODEL); /* and is refused for evaluation */
    release(&ten);
    release(&twelve);
    release(&deep);
}

static void metadata_rebuild_the_network(void **unused)
{
    (void)unused;
    static const rncl_network_options all[] = {
        {.depth = 50, .bottleneck_v1 = true, .stem_pool = 2, .image = 64, .channels = 1, .classes = 3},
        {.depth = 34, .shortcut = RNCL_SHORTCUT_C, .image = 32},
        {.arch = RNCL_ARCH_PLAIN, .depth = 18, .image = 32},
        {.arch = RNCL_ARCH_CIFAR_PLAIN, .depth = 8},
        {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_B, .channels = 4},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        model m = make_model(all[i], 1);
        rncl_model_meta meta = {.std = {1, 1, 1, 1}};
        assert_int_equal(rncl_model_save(path, m.graph, &meta, m.params, m.state, 0), RNCL_OK);
        rncl_network_options options;
        assert_int_equal(rncl_model_read_meta(path, &options, &meta), RNCL_OK);
        const rncl_network_options *wanted = &m.graph->options;
        assert_true(meta.has_network);
        assert_int_equal(options.arch, wanted->arch);
        assert_int_equal(options.depth, wanted->depth);
        assert_int_equal(options.shortcut, wanted->shortcut);
        assert_int_equal(options.bottleneck_v1, wanted->bottleneck_v1);
        assert_int_equal(options.stem_pool, wanted->stem_pool);
        assert_int_equal(options.image, wanted->image);
        assert_int_equal(options.channels, wanted->channels);
        assert_int_equal(options.classes, wanted->classes);
        rncl_model_meta_fini(&meta);
        release(&m);
    }
}

static void normalisation_comes_back_to_the_last_bit(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    const rncl_model_meta saved = {.mean = {0.485f, 1.0f / 3.0f, -0.0f}, .std = {0.229f, FLT_MIN, FLT_MAX}};
    assert_int_equal(rncl_model_save(path, m.graph, &saved, m.params, m.state, 0), RNCL_OK);
    rncl_network_options options;
    rncl_model_meta meta;
    assert_int_equal(rncl_model_read_meta(path, &options, &meta), RNCL_OK);
    assert_memory_equal(meta.mean, saved.mean, 3 * sizeof(float));
    assert_memory_equal(meta.std, saved.std, 3 * sizeof(float));
    rncl_model_meta_fini(&meta);
    release(&m);
}

static void labels_come_back_whatever_is_in_them(void **unused)
{
    (void)unused;
    char *labels[] = {"T-shirt/top", "Gr\xc3\xbc\xc3\x9f\x65, \"quoted\"\\\n", "", "not UTF-8: \xe9"};
    model m = make_model(small, 1);
    rncl_model_meta meta = plain_meta;
    meta.labels = labels;
    meta.label_count = COUNT(labels);
    assert_int_equal(rncl_model_save(path, m.graph, &meta, m.params, m.state, 0), RNCL_OK);
    rncl_network_options options;
    rncl_model_meta read;
    assert_int_equal(rncl_model_read_meta(path, &options, &read), RNCL_OK);
    assert_int_equal(read.label_count, 4);
    for (int i = 0; i < 3; i++)
        assert_string_equal(read.labels[i], labels[i]);
    assert_string_equal(read.labels[3], "not UTF-8: \\xe9");
    rncl_model_meta_fini(&read);
    release(&m);
}

static void files_without_metadata_say_nothing_of_a_network(void **unused)
{
    (void)unused;
    const char *header = "{\"__metadata__\":{\"format\":\"pt\"}}";
    write_raw(header, strlen(header), NULL, 0);
    rncl_network_options options;
    rncl_model_meta meta;
    assert_int_equal(rncl_model_read_meta(path, &options, &meta), RNCL_OK);
    assert_false(meta.has_network);
    assert_int_equal(meta.label_count, 0);
    rncl_model_meta_fini(&meta);
}

static void contradicting_metadata_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *metadata, *message;
    } cases[] = {
        {"\"rncl.arch\":\"alexnet\",\"rncl.depth\":\"8\"", "rncl.arch"},
        {"\"rncl.arch\":\"resnet\"", "--depth 0"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"35\"", "--depth 35"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18 \"", "rncl.depth"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"-18\"", "rncl.depth"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"99999999999999999999\"", "rncl.depth"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.shortcut\":\"D\"", "rncl.shortcut"},
        {"\"rncl.arch\":\"plain\",\"rncl.depth\":\"18\",\"rncl.shortcut\":\"A\"", "no shortcuts"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.channels\":\"5\"", "channels"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.mean\":\"0.5,0.5\"", "rncl.mean"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.mean\":\"a,b,c\"", "rncl.mean"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.std\":\"1,0,1\"", "std 0"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.std\":\"1,1e300,1\"", "std inf"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.labels\":\"a,b\"", "rncl.labels"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.labels\":\"{}\"", "rncl.labels"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.labels\":\"[\\\"a\\\",1]\"", "rncl.labels"},
        {"\"rncl.arch\":\"resnet\",\"rncl.depth\":\"18\",\"rncl.classes\":\"1\",\"rncl.labels\":\"[\\\"a\\\","
         "\\\"b\\\"]\"",
         "2 labels for 1 classes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char header[512];
        snprintf(header, sizeof header, "{\"__metadata__\":{%s}}", cases[i].metadata);
        write_raw(header, strlen(header), NULL, 0);
        rncl_network_options options;
        rncl_model_meta meta;
        if (rncl_model_read_meta(path, &options, &meta) != RNCL_ERR_MODEL)
            fail_msg("not refused: %s", cases[i].metadata);
        assert_message_has(cases[i].message);
        assert_message_has(path);
        assert_null(meta.labels);
    }
}

static void meta_that_cannot_be_read_back_is_not_written(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    rncl_model_meta meta = plain_meta;
    meta.std[1] = 0;
    assert_int_equal(rncl_model_save(path, m.graph, &meta, m.params, m.state, 0), RNCL_ERR_USAGE);
    meta = plain_meta;
    meta.mean[2] = NAN;
    assert_int_equal(rncl_model_save(path, m.graph, &meta, m.params, m.state, 0), RNCL_ERR_USAGE);
    release(&m);
}

static void saving_where_nothing_can_be_written_is_an_input_output_error(void **unused)
{
    (void)unused;
    model m = make_model(small, 1);
    assert_int_equal(rncl_model_save("/nowhere/m.safetensors", m.graph, &plain_meta, m.params, m.state, 0),
                     RNCL_ERR_IO);
    assert_message_has("/nowhere/m.safetensors");
    release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_models_load_bit_for_bit),
        cmocka_unit_test(one_model_gives_one_file),
        cmocka_unit_test(filters_are_stored_output_input_row_column),
        cmocka_unit_test(linear_weights_are_stored_output_input),
        cmocka_unit_test(batches_tracked_may_be_missing_and_count_as_none),
        cmocka_unit_test(missing_tensors_are_named),
        cmocka_unit_test(unexpected_tensors_are_named),
        cmocka_unit_test(wrong_shapes_are_named_with_both_shapes),
        cmocka_unit_test(networks_of_another_depth_are_refused),
        cmocka_unit_test(training_keeps_the_last_layer_where_the_classes_differ),
        cmocka_unit_test(a_changed_tensor_is_noticed_by_the_checksum),
        cmocka_unit_test(a_changed_header_is_noticed_by_its_checksum),
        cmocka_unit_test(files_without_a_checksum_are_read_and_that_is_said),
        cmocka_unit_test(metadata_rebuild_the_network),
        cmocka_unit_test(normalisation_comes_back_to_the_last_bit),
        cmocka_unit_test(labels_come_back_whatever_is_in_them),
        cmocka_unit_test(files_without_metadata_say_nothing_of_a_network),
        cmocka_unit_test(contradicting_metadata_are_refused),
        cmocka_unit_test(meta_that_cannot_be_read_back_is_not_written),
        cmocka_unit_test(saving_where_nothing_can_be_written_is_an_input_output_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
