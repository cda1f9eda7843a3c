/* PyTorch's files: every form gives the values that PyTorch has, and nothing else is read or executed. */
#include "pickle_writer.h"

#include <stdlib.h>
#include <unistd.h>

#include "golden/pth_golden.h"
#include "random.h"
#include "util.h"

static void expect_floats(const rncl_tensor_file *file, const char *name, size_t count, const float *values)
{
    float read[6];
    const rncl_file_tensor *tensor = rncl_tensor_file_find(file, name);
    assert_non_null(tensor);
    rncl_file_tensor_floats(tensor, read);
    for (size_t i = 0; i < count; i++)
        if (read[i] != values[i])
            fail_msg("%s[%zu] is %g, not %g", name, i, (double)read[i], (double)values[i]);
}

static void files_of_every_form_have_the_same_tensors(void **unused)
{
    (void)unused;
    static const float values[] = {-0.5f, -0.25f, 0, 0.25f, 0.5f, 0.75f},
                       turned[] = {-0.5f, 0.25f, -0.25f, 0.5f, 0, 0.75f};
    for (size_t i = 0; i < COUNT(pth_files); i++) {
        rncl_tensor_file file;
        const rncl_status st = rncl_tensor_file_parse(
            pth_files[i].name, (rncl_contents){pth_files[i].bytes, pth_files[i].size_bytes}, &file);
        if (st)
            fail_msg("%s", rncl_status_message());
        assert_int_equal(file.count, 10);
        assert_string_equal(file.prefix, "module.");
        expect_floats(&file, "f64", 6, values);
        expect_floats(&file, "f32", 6, values);
        expect_floats(&file, "f16", 6, values);
        expect_floats(&file, "bf16", 6, values);
        expect_floats(&file, "parameter", 6, values);
        expect_floats(&file, "turned", 6, turned);
        expect_floats(&file, "part", 2, values + 4);
        assert_int_equal(rncl_tensor_file_find(&file, "turned")->dims[0], 3);
        assert_int_equal(rncl_file_tensor_integer(rncl_tensor_file_find(&file, "batches")), -7);
        assert_int_equal(rncl_file_tensor_integer(rncl_tensor_file_find(&file, "small")), 200);
        assert_int_equal(rncl_tensor_file_find(&file, "empty")->dims[0], 0);
        assert_int_equal(rncl_tensor_file_find(&file, "bf16")->dtype, RNCL_DTYPE_BF16);
        rncl_tensor_file_close(&file);
    }
}

static void every_truncation_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(pth_files); i++) {
        for (size_t size = 0; size < pth_files[i].size_bytes; size++) {
            unsigned char *bytes = malloc(size + 1); /* so that a sanitizer sees what is read beyond it */
            assert_non_null(bytes);
            memcpy(bytes, pth_files[i].bytes, size);
            rncl_tensor_file file;
            if (rncl_tensor_file_parse("short", (rncl_contents){bytes, size}, &file) != RNCL_ERR_MODEL)
                fail_msg("%s: %zu bytes of it are accepted", pth_files[i].name, size);
            free(bytes);
        }
    }
}

/* Reads every element of every tensor, so that a sanitizer notices reads outside the file. */
static void touch(const rncl_tensor_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const rncl_file_tensor *tensor = &file->tensors[i];
        size_t size_bytes;
        assert_true(rncl_file_tensor_bytes(tensor, &size_bytes));
        if (!rncl_dtype_is_float(tensor->dtype) || size_bytes > 1 << 20)
            continue;
        float *values = malloc(size_bytes / rncl_dtype_bytes(tensor->dtype) * sizeof *values + 1);
        assert_non_null(values);
        rncl_file_tensor_floats(tensor, values);
        free(values);
    }
}

static void damaged_files_are_refused_or_sound(void **unused)
{
    (void)unused;
    enum { ROUNDS = 3000 };
    rncl_random random = rncl_random_stream(2, RNCL_RANDOM_TEST, 0, 0);
    int refused = 0;
    for (size_t i = 0; i < COUNT(pth_files); i++) {
        const uint32_t size = (uint32_t)pth_files[i].size_bytes;
        unsigned char *bytes = malloc(size);
        assert_non_null(bytes);
        for (int round = 0; round < ROUNDS; round++) {
            memcpy(bytes, pth_files[i].bytes, size);
            for (uint32_t left = 1 + rncl_random_below(&random, 3); left > 0; left--)
                bytes[rncl_random_below(&random, size)] ^=
                    (unsigned char)(1 + rncl_random_below(&random, 255));
            rncl_tensor_file file;
            const rncl_status st = rncl_tensor_file_parse("damaged", (rncl_contents){bytes, size}, &file);
            if (st) {
                assert_int_equal(st, RNCL_ERR_MODEL);
                refused++;
                continue;
            }
            touch(&file);
            rncl_tensor_file_close(&file);
        }
        free(bytes);
    }
    assert_in_range(refused, ROUNDS, (int)COUNT(pth_files) * ROUNDS - 1);
}

/* ---- zip ---- */

static size_t find_bytes(const unsigned char *bytes, size_t size, const char *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, what, length) == 0)
            return i;
    fail_msg("the golden file lacks %s", what);
    return 0;
}

/* Offset of the directory's entry of that name. */
static size_t directory_entry(const unsigned char *bytes, size_t size, const char *name)
{
    enum { NAME_AT = 46 };
    for (size_t i = 0; i + NAME_AT < size; i++)
        if (memcmp(bytes + i, "PK\1\2", 4) == 0 && memcmp(bytes + i + NAME_AT, name, strlen(name)) == 0)
            return i;
    fail_msg("no entry %s", name);
    return 0;
}

static void expect_refusal(const unsigned char *bytes, size_t size, const char *message)
{
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_parse("it.pth", (rncl_contents){bytes, size}, &file), RNCL_ERR_MODEL);
    assert_message_has("it.pth");
    assert_message_has(message);
}

static void a_changed_value_is_noticed_by_its_checksum(void **unused)
{
    (void)unused;
    unsigned char bytes[sizeof pth_stored];
    memcpy(bytes, pth_stored, sizeof bytes);
    static const float values[] = {-0.5f, -0.25f, 0};
    bytes[find_bytes(bytes, sizeof bytes, (const char *)values, sizeof values)] ^= 1;
    expect_refusal(bytes, sizeof bytes, "its checksum is another");
}

static void an_archive_that_would_unpack_without_end_is_refused(void **unused)
{
    (void)unused;
    enum { UNPACKED_BYTES_AT = 24 };
    unsigned char bytes[sizeof pth_deflated];
    memcpy(bytes, pth_deflated, sizeof bytes);
    const size_t entry = directory_entry(bytes, sizeof bytes, "archive/data/0");
    memcpy(bytes + entry + UNPACKED_BYTES_AT, "\0\0\0\x70", 4);
    expect_refusal(bytes, sizeof bytes, "far more than weights do");
}

static void other_archives_are_told_apart(void **unused)
{
    (void)unused;
    unsigned char bytes[sizeof pth_stored];
    memcpy(bytes, pth_stored, sizeof bytes);
    for (size_t i = 0; i + 8 < sizeof bytes; i++)
        if (memcmp(bytes + i, "data.pkl", 8) == 0)
            memcpy(bytes + i, "data.npy", 8);
    expect_refusal(bytes, sizeof bytes, "it has no data.pkl");
}

/* ---- pickles ---- */

static const pickled_tensor good = {"FloatStorage", 8, 2, 2, {2, 3}, {3, 1}};

static void start_dict(pickle_writer *w, const char *key)
{
    *w = (pickle_writer){.length = 0};
    PUT(w, "\x80\x02}(");
    put_text(w, key);
}

static void written_pickles_are_read(void **unused)
{
    (void)unused;
    pickle_writer w;
    start_dict(&w, "a");
    put_tensor(&w, &good);
    PUT(&w, "u.");
    rncl_tensor_file file;
    if (read_pickled(&w, &file))
        fail_msg("%s", rncl_status_message());
    expect_floats(&file, "a", 6, (const float[]){2, 3, 4, 5, 6, 7});
    rncl_tensor_file_close(&file);
}

static void tensors_outside_their_storage_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        pickled_tensor tensor;
        const char *message;
    } cases[] = {
        {{"FloatStorage", 8, 3, 2, {2, 3}, {3, 1}}, "reaches beyond"},
        {{"FloatStorage", 8, 0, 1, {9}, {1}}, "reaches beyond"},
        {{"FloatStorage", 8, 0, 1, {2}, {8}}, "reaches beyond"},
        {{"FloatStorage", 8, 9, 1, {0}, {1}}, "reaches beyond"},
        {{"FloatStorage", 8, INT64_MAX, 1, {2}, {1}}, "reaches beyond"},
        {{"FloatStorage", 8, 0, 2, {2, 2}, {INT64_MAX, INT64_MAX}}, "reaches beyond"},
        {{"FloatStorage", 8, 0, 2, {INT64_MAX, INT64_MAX}, {0, 0}}, "reaches beyond"},
        {{"FloatStorage", 8, -1, 1, {1}, {1}}, "no storage, or a shape"},
        {{"FloatStorage", 8, 0, 1, {-1}, {1}}, "no storage, or a shape"},
        {{"FloatStorage", 8, 0, 1, {2}, {-1}}, "no storage, or a shape"},
        {{"FloatStorage", 8, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0}}, "no storage, or a shape"},
        {{"FloatStorage", 9, 0, 1, {1}, {1}}, "it.pth: cut short"},
        {{"FloatStorage", 7, 0, 1, {1}, {1}}, "described in no way"},
        {{"FloatStorage", INT64_MAX, 0, 1, {1}, {1}}, "described in no way"},
        {{"FloatStorage", -8, 0, 1, {1}, {1}}, "described in no way"},
        {{"DoubleStorage", 8, 0, 1, {1}, {1}}, "cut short"},
        {{"ComplexFloatStorage", 8, 0, 1, {1}, {1}}, "torch.ComplexFloatStorage"},
        {{"Size", 8, 0, 1, {1}, {1}}, "described in no way"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        pickle_writer w;
        start_dict(&w, "a");
        put_tensor(&w, &cases[i].tensor);
        PUT(&w, "u.");
        rncl_tensor_file file;
        if (read_pickled(&w, &file) != RNCL_ERR_MODEL)
            fail_msg("case %zu is not refused", i);
        assert_message_has(cases[i].message);
    }
}

#define PICKLE(literal, message)                                                                             \
    {                                                                                                        \
        literal, sizeof(literal) - 1, message                                                                \
    }

static void other_pickles_are_refused_and_nothing_is_executed(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } cases[] = {
        PICKLE("\x80\x02"
               "cos\nsystem\nU\x04"
               "true\x85R.",
               "os.system"),
        PICKLE("\x80\x02"
               "cposix\nsystem\nU\x04"
               "true\x85R.",
               "posix.system"),
        PICKLE("\x80\x02"
               "c__builtin__\neval\nU\x01"
               "1\x85R.",
               "__builtin__.eval"),
        PICKLE("\x80\x04\x8c\x08"
               "builtins\x8c\x04"
               "exec\x93.",
               "builtins.exec"),
        PICKLE("\x80\x02"
               "ctorch\nload\n.",
               "torch.load"),
        PICKLE("\x80\x02"
               "cargparse\nNamespace\n)\x81.",
               "argparse.Namespace"),
        PICKLE("\x80\x02"
               "c\x1b[2J\nx\n.",
               "holds a ?"),
        PICKLE("\x80\x02"
               "ccollections\nOrderedDict\n)\x81.",
               "no state dict"),
        PICKLE("\x80\x02}(U\x05"
               "modelcmine\nNet\n)\x81u.",
               "mine.Net"),
        PICKLE("\x80\x02}(U\x01"
               "acmine\nTensor\n)Ru.",
               "mine.Tensor"),
        PICKLE("\x80\x02\x82\x01.", "0x82"),
        PICKLE("\x80\x02NN.", "values left over"),
        PICKLE("\x80\x02"
               "ctorch\nSize\nNR.",
               "a call of what is no function"),
        PICKLE("\x80\x02"
               "ctorch\nFloatStorage\n)R.",
               "a call of what is no function"),
        PICKLE("\x80\x02}.", "no state dict"),
        PICKLE("\x80\x02].", "no state dict"),
        PICKLE("\x80\x02N.", "no state dict"),
        PICKLE("\x80\x02}(K\x01Nu.", "a key that is no text"),
        PICKLE("\x80\x02}(U\x05"
               "epochK\x03u.",
               "epoch is no tensor"),
        PICKLE("\x80\x02}(U\x03"
               "a\x1b"
               "bNu.",
               "control characters"),
        PICKLE("\x80\x02}(U\x03"
               "a\0bNu.",
               "control characters"),
        PICKLE("\x80\x02}(U\x01"
               "aNQu.",
               "described in no way"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        pickle_writer w = {.length = 0};
        put_bytes(&w, cases[i].bytes, cases[i].length);
        rncl_tensor_file file;
        if (read_pickled(&w, &file) != RNCL_ERR_MODEL)
            fail_msg("case %zu is not refused", i);
        assert_message_has(cases[i].message);
        assert_message_has("it.pth");
    }
}

/* A dict of one tensor, under a key of what was begun. */
static void put_state_dict(pickle_writer *w, const char *key)
{
    put_text(w, key);
    PUT(w, "}(");
    put_text(w, "a");
    put_tensor(w, &good);
    PUT(w, "u");
}

static void expect_the_tensor(const pickle_writer *w)
{
    rncl_tensor_file file;
    if (read_pickled(w, &file))
        fail_msg("%s", rncl_status_message());
    assert_int_equal(file.count, 1);
    expect_floats(&file, "a", 6, (const float[]){2, 3, 4, 5, 6, 7});
    rncl_tensor_file_close(&file);
}

/* What training scripts keep beside the weights: options, sets, numbers of numpy, dicts with defaults. */
static void objects_beside_the_weights_are_passed_over(void **unused)
{
    (void)unused;
    pickle_writer w;
    start_dict(&w, "args");
    PUT(&w, "cargparse\nNamespace\n)\x81}U\x02lrNsb");
    put_text(&w, "best");
    PUT(&w, "cnumpy.core.multiarray\nscalar\nN\x85R");
    put_text(&w, "counts");
    PUT(&w, "ccollections\ndefaultdict\nc__builtin__\nint\n\x85R(U\x01xK\x01u");
    put_text(&w, "seen");
    PUT(&w, "\x8f(K\x01K\x02\x90(K\x03\x91\x86");
    put_text(&w, "list");
    PUT(&w, "cmine\nList\n)}\x92(K\x01"
            "eK\x02"
            "a");
    put_text(&w, "command");
    PUT(&w, "cos\nsystem\nU\x13"
            "touch rncl-was-here\x85R");
    put_state_dict(&w, "model");
    PUT(&w, "u.");
    expect_the_tensor(&w);
    assert_int_not_equal(access("rncl-was-here", F_OK), 0);
}

static void state_dicts_are_found_inside_of_others(void **unused)
{
    (void)unused;
    pickle_writer w;
    start_dict(&w, "model");
    PUT(&w, "}(");
    put_state_dict(&w, "state_dict");
    PUT(&w, "uu.");
    expect_the_tensor(&w);

    start_dict(&w, "epoch");
    PUT(&w, "K\x03");
    put_state_dict(&w, "a key of their own");
    PUT(&w, "u.");
    expect_the_tensor(&w);

    start_dict(&w, "epoch");
    PUT(&w, "K\x03");
    put_state_dict(&w, "teacher");
    put_state_dict(&w, "student");
    PUT(&w, "u.");
    rncl_tensor_file file;
    assert_int_equal(read_pickled(&w, &file), RNCL_ERR_MODEL);
    assert_message_has("several state dicts");
}

/* Dicts and lists that contain themselves do not cause endless recursion. */
static void values_that_hold_themselves_end(void **unused)
{
    (void)unused;
    pickle_writer w = {.length = 0};
    PUT(&w, "\x80\x02}q\x00(U\x05modelh\x00U\x01xh\x00u.");
    rncl_tensor_file file;
    assert_int_equal(read_pickled(&w, &file), RNCL_ERR_MODEL);
    assert_message_has("is no tensor");
}

static void pickles_of_endless_values_are_refused(void **unused)
{
    (void)unused;
    enum { VALUES = 1200000 };
    static const char start[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    unsigned char *bytes = malloc(VALUES);
    assert_non_null(bytes);
    memset(bytes, 'N', VALUES);
    memcpy(bytes, start, sizeof start - 1);
    expect_refusal(bytes, VALUES, "more values than any file of its kind has");
    memset(bytes + sizeof start - 1, '(', VALUES - sizeof start + 1);
    expect_refusal(bytes, VALUES, "nesting deeper than Python writes");
    free(bytes);
}

static void names_that_come_twice_are_refused(void **unused)
{
    (void)unused;
    pickle_writer w;
    start_dict(&w, "a");
    put_tensor(&w, &good);
    put_text(&w, "a");
    put_tensor(&w, &good);
    PUT(&w, "u.");
    rncl_tensor_file file;
    assert_int_equal(read_pickled(&w, &file), RNCL_ERR_MODEL);
    assert_message_has("two tensors called a");
}

/* A text of the pickle can be a name again and again, in two bytes each time. */
static void repeated_names_take_no_more_memory_than_the_pickle(void **unused)
{
    (void)unused;
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    pickle_writer w;
    start_dict(&w, name);
    PUT(&w, "q\0");
    put_tensor(&w, &good);
    PUT(&w, "q\1");
    for (int i = 0; i < 100; i++)
        PUT(&w, "h\0h\1");
    PUT(&w, "u.");
    rncl_tensor_file file;
    assert_int_equal(read_pickled(&w, &file), RNCL_ERR_MODEL);
    assert_message_has("names of its tensors are larger than its pickle");
}

static void keys_of_storages_are_short(void **unused)
{
    (void)unused;
    static const char number[] = "00000000000000000000000000000000000000000000000000000000000000000";
    pickle_writer w = {.length = 0};
    PUT(&w, "\x80\x02(U\x07storagectorch\nFloatStorage\n");
    put_text(&w, number);
    PUT(&w, "NK\x08tQ.");
    rncl_tensor_file file;
    assert_int_equal(read_pickled(&w, &file), RNCL_ERR_MODEL);
    assert_message_has("the key of a storage has 65 bytes");
}

/* Python 2 wrote OrderedDict([[key, value], …]), and strings without a coding. */
static void dicts_of_python_2_are_read(void **unused)
{
    (void)unused;
    pickle_writer w = {.length = 0};
    PUT(&w, "\x80\x02"
            "ccollections\nOrderedDict\n](](U\x01"
            "a");
    put_tensor(&w, &good);
    PUT(&w, "ee\x85R}U\x09_metadataNsb.");
    rncl_tensor_file file;
    if (read_pickled(&w, &file))
        fail_msg("%s", rncl_status_message());
    expect_floats(&file, "a", 6, (const float[]){2, 3, 4, 5, 6, 7});
    rncl_tensor_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_every_form_have_the_same_tensors),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(damaged_files_are_refused_or_sound),
        cmocka_unit_test(a_changed_value_is_noticed_by_its_checksum),
        cmocka_unit_test(an_archive_that_would_unpack_without_end_is_refused),
        cmocka_unit_test(other_archives_are_told_apart),
        cmocka_unit_test(written_pickles_are_read),
        cmocka_unit_test(tensors_outside_their_storage_are_refused),
        cmocka_unit_test(other_pickles_are_refused_and_nothing_is_executed),
        cmocka_unit_test(objects_beside_the_weights_are_passed_over),
        cmocka_unit_test(state_dicts_are_found_inside_of_others),
        cmocka_unit_test(values_that_hold_themselves_end),
        cmocka_unit_test(pickles_of_endless_values_are_refused),
        cmocka_unit_test(names_that_come_twice_are_refused),
        cmocka_unit_test(repeated_names_take_no_more_memory_than_the_pickle),
        cmocka_unit_test(keys_of_storages_are_short),
        cmocka_unit_test(dicts_of_python_2_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
