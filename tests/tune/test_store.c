/* Tuning results on disk. */
#include <glob.h>

#include "file.h"
#include "setting_json.h"
#include "tune_test.h"

static const rncl_device_info device = {
    .name = "Some Device (TM) 9", .platform = "A Platform", .driver = "1.0", .compute_units = 4};

static char said[1024];

static void remember(void *user, rncl_log_level level, const char *line)
{
    (void)user, (void)level;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

static rncl_store *open_for(const rncl_device_info *info)
{
    const rncl_log log = {.write = remember};
    rncl_store *store;
    said[0] = '\0';
    assert_int_equal(rncl_store_open(info, RNCL_PRECISION_FP32, &log, &store), RNCL_OK);
    return store;
}

static rncl_tuned_entry make_entry(int n, int kv)
{
    return (rncl_tuned_entry){
        .problem = make_problem(RNCL_CONV_FORWARD, n),
        .setting = {.algorithm = "direct", .count = 1, .knobs = {{"kv", kv}}},
        .time_ns = 1000,
        .preset_ns = 1500,
        .finished = true,
    };
}

static void put(int n, int kv)
{
    rncl_store *store = open_for(&device);
    const rncl_tuned_entry entry = make_entry(n, kv);
    assert_int_equal(rncl_store_put(store, &entry), RNCL_OK);
    rncl_store_close(store);
}

static const rncl_setting *setting_for(rncl_store *store, int pass, int n)
{
    const rncl_op_desc desc = make_problem(pass, n).desc;
    const rncl_tuned tuned = rncl_store_tuned(store);
    return tuned.lookup(tuned.state, &desc, pass);
}

/* The value of kv that planning would get; 0: no result. */
static int looked_up(rncl_store *store, int pass, int n)
{
    const rncl_setting *setting = setting_for(store, pass, n);
    return setting ? setting->knobs[0].value : 0;
}

/* Those of other kernels would be left out: whoever changes kernels tunes again, or shows that the results
 * still hold. */
static void shipped_results_are_of_these_kernels(void **state)
{
    (void)state;
    glob_t files;
    assert_int_equal(glob(RNCL_SHIPPED_TUNING "/*.json", 0, NULL, &files), 0);
    for (size_t file = 0; file < files.gl_pathc; file++) {
        json_t *document = json_load_file(files.gl_pathv[file], 0, NULL), *result;
        json_t *results = json_object_get(document, "results");
        size_t i;
        assert_true(json_array_size(results) > 0);
        json_array_foreach(results, i, result)
        {
            const char *key = json_string_value(json_object_get(result, "problem"));
            rncl_problem problem;
            uint64_t hash;
            char expected[24];
            assert_true(rncl_problem_parse(key, &problem));
            assert_int_equal(rncl_algorithm_hash(problem.desc.kind,
                                                 json_string_value(json_object_get(result, "algorithm")),
                                                 &hash),
                             RNCL_OK);
            snprintf(expected, sizeof expected, "%016llx", (unsigned long long)hash);
            if (strcmp(expected, json_string_value(json_object_get(result, "kernels"))) != 0)
                fail_msg("%s: %s is of other kernels", files.gl_pathv[file], key);
        }
        json_decref(document);
    }
    globfree(&files);
}

static int found_on(const rncl_device_info *info, int n)
{
    rncl_store *store = open_for(info);
    int kv = looked_up(store, RNCL_CONV_FORWARD, n);
    rncl_store_close(store);
    return kv;
}

static void what_was_put_is_there_when_opened_again(void **state)
{
    (void)state;
    put(8, 2);
    rncl_store *store = open_for(&device);
    const rncl_tuned_entry expected = make_entry(8, 2), *found = rncl_store_find(store, &expected.problem);
    assert_non_null(found);
    assert_true(rncl_setting_equal(&found->setting, &expected.setting));
    assert_int_equal(found->time_ns, 1000);
    assert_int_equal(found->preset_ns, 1500);
    assert_true(found->finished);
    assert_string_equal(said, "");
    rncl_store_close(store);
}

static void a_new_result_replaces_the_old_one(void **state)
{
    (void)state;
    put(8, 2);
    put(8, 4);
    rncl_store *store = open_for(&device);
    assert_int_equal(rncl_store_count(store), 1);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 8), 4);
    rncl_store_close(store);
}

static void the_nearest_batch_stands_in_for_one_that_is_not_there(void **state)
{
    (void)state;
    put(4, 1);
    put(32, 2);
    rncl_store *store = open_for(&device);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 4), 1);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 6), 1);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 30), 2);
    assert_int_equal(looked_up(store, RNCL_CONV_BACKWARD_DATA, 4), 0);
    assert_false(setting_for(store, RNCL_CONV_FORWARD, 32)->other_batch);
    assert_true(setting_for(store, RNCL_CONV_FORWARD, 30)->other_batch);
    rncl_store_close(store);
}

/* From version 5 on PoCL has another name for the same CPU. */
static void a_driver_that_renames_its_device_keeps_the_results(void **state)
{
    (void)state;
    rncl_device_info older = device, newer = device;
    snprintf(older.name, sizeof older.name, "pthread-haswell-Some CPU");
    snprintf(newer.name, sizeof newer.name, "cpu-haswell-Some CPU");
    rncl_store *store = open_for(&older);
    const rncl_tuned_entry entry = make_entry(16, 4);
    assert_int_equal(rncl_store_put(store, &entry), RNCL_OK);
    rncl_store_close(store);
    assert_int_equal(found_on(&newer, 16), 4);
}

static void another_number_of_compute_units_is_another_device(void **state)
{
    (void)state;
    put(8, 2);
    rncl_device_info other = device;
    other.compute_units = 8;
    assert_int_equal(found_on(&other, 8), 0);
    assert_int_equal(found_on(&device, 8), 2);
}

static void another_precision_has_results_of_its_own(void **state)
{
    (void)state;
    rncl_store *store;
    put(8, 2);
    assert_int_equal(rncl_store_open(&device, RNCL_PRECISION_TF32, NULL, &store), RNCL_OK);
    assert_int_equal(rncl_store_count(store), 0);
    assert_non_null(strstr(rncl_store_path(store), "/some-device-tm-9-4-tf32.json"));
    rncl_store_close(store);
}

static void another_driver_version_is_said_and_tuned_for_afresh(void **state)
{
    (void)state;
    put(8, 2);
    rncl_device_info newer = device;
    snprintf(newer.driver, sizeof newer.driver, "2.0");
    rncl_store *store = open_for(&newer);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 8), 2);
    assert_non_null(strstr(said, "tuned for driver 1.0, this is 2.0: `rncl tune`"));
    assert_int_equal(rncl_store_forget(store, false), RNCL_OK);
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 8), 0);
    rncl_store_close(store);
}

static void results_for_other_kernels_are_dropped_and_that_is_said(void **state)
{
    (void)state;
    put(8, 2);
    assert_int_equal(
        in_folder("sed -i 's/\"kernels\":\"[0-9a-f]*\"/\"kernels\":\"0123\"/' rncl/tuning/*.json"), 0);
    assert_int_equal(found_on(&device, 8), 0);
    assert_non_null(strstr(said, "1 old tuning results do not count"));
}

static void a_damaged_file_is_said_left_out_and_kept_aside(void **state)
{
    (void)state;
    put(8, 2);
    assert_int_equal(in_folder("sed -i 's/\"results\"/\"resu/' rncl/tuning/*.json"), 0);
    assert_int_equal(found_on(&device, 8), 0);
    assert_non_null(strstr(said, "tuning results are left out"));
    assert_int_equal(in_folder("test -f rncl/tuning/*.json.damaged && ! test -f rncl/tuning/*.json"), 0);
}

static void a_failed_candidate_is_remembered_for_its_problem(void **state)
{
    (void)state;
    const rncl_tuned_entry entry = make_entry(8, 2);
    const rncl_problem other = make_problem(RNCL_CONV_FORWARD, 9);
    rncl_store *store = open_for(&device);
    assert_false(rncl_store_failed(store, &entry.problem, &entry.setting));
    assert_int_equal(rncl_store_fail(store, &entry.problem, &entry.setting, "died of signal 11"), RNCL_OK);
    rncl_store_close(store);
    store = open_for(&device);
    assert_true(rncl_store_failed(store, &entry.problem, &entry.setting));
    assert_false(rncl_store_failed(store, &other, &entry.setting));
    assert_int_equal(looked_up(store, RNCL_CONV_FORWARD, 8), 0);
    rncl_store_close(store);
}

/* A file that another version, a person or a disk has changed. */
static void lines_that_are_no_results_are_noticed(void **state)
{
    (void)state;
    static const char *const edits[] = {"s/\"time_ns\":1000/\"failed\":\"\"/",
                                        "s/\"time_ns\":1000/\"failed\":1/", "s/\"kv\":2/\"kv\":4294967298/",
                                        "s/\"time_ns\":1000/\"time_ns\":0/"};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char command[128];
        put(8, 2);
        snprintf(command, sizeof command, "sed -i '%s' rncl/tuning/*.json", edits[i]);
        assert_int_equal(in_folder(command), 0);
        assert_int_equal(found_on(&device, 8), 0);
        assert_non_null(strstr(said, "result 1 is not one"));
        assert_int_equal(in_folder("rm -r rncl/tuning"), 0);
    }
}

/* A driver's words, cut off in the middle of a character. */
static void a_reason_that_is_no_utf8_is_stored(void **state)
{
    (void)state;
    char bytes[128];
    memset(bytes, 0xe2, sizeof bytes - 1);
    bytes[sizeof bytes - 1] = '\0';
    const char *const reasons[] = {"error: expected \xe2\x80", bytes, ""};
    for (int i = 0; i < 3; i++) {
        const rncl_tuned_entry entry = make_entry(8, i + 1);
        rncl_store *store = open_for(&device);
        assert_int_equal(rncl_store_fail(store, &entry.problem, &entry.setting, reasons[i]), RNCL_OK);
        rncl_store_close(store);
        store = open_for(&device);
        assert_true(rncl_store_failed(store, &entry.problem, &entry.setting));
        rncl_store_close(store);
    }
}

static void expect_whose(const char *whose)
{
    rncl_store *store = open_for(&device);
    assert_string_equal(rncl_store_whose(store), whose);
    rncl_store_close(store);
}

static void shipped_results_serve_until_the_users_own_win(void **state)
{
    (void)state;
    put(8, 2);
    assert_int_equal(in_folder("mkdir shipped && mv rncl/tuning/*.json shipped"), 0);
    char *shipped = rncl_path_join(folder, "shipped");
    setenv("RNCL_TUNING_DIR", shipped, 1);
    free(shipped);
    assert_int_equal(found_on(&device, 8), 2);
    expect_whose("shipped");
    put(8, 4);
    assert_int_equal(found_on(&device, 8), 4);
    expect_whose("your");
    setenv("RNCL_TUNING_DIR", "/nonexistent", 1);
}

static void a_problem_is_its_key(void **state)
{
    (void)state;
    char key[RNCL_PROBLEM_KEY];
    const rncl_problem problem = make_problem(RNCL_CONV_BACKWARD_FILTER, 3);
    rncl_problem back;
    rncl_problem_key(&problem, key);
    assert_string_equal(key, "backward_filter n3 h12 w12 c16 k32 r3 s3 stride1 pad1");
    assert_true(rncl_problem_parse(key, &back));
    assert_true(rncl_problem_equal(&problem, &back));
    assert_false(rncl_problem_parse("sideways n3 h12 w12 c16 k32 r3 s3 stride1 pad1", &back));
    assert_false(rncl_problem_parse("forward n3 h1 w1 c16 k32 r3 s3 stride1 pad0", &back));
    assert_false(rncl_problem_parse("forward n3 h1 w1 c16 k32 r3 s3 stride1 pad2147483647", &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_put_is_there_when_opened_again, forget_results),
        cmocka_unit_test_setup(a_new_result_replaces_the_old_one, forget_results),
        cmocka_unit_test_setup(the_nearest_batch_stands_in_for_one_that_is_not_there, forget_results),
        cmocka_unit_test_setup(a_driver_that_renames_its_device_keeps_the_results, forget_results),
        cmocka_unit_test_setup(another_number_of_compute_units_is_another_device, forget_results),
        cmocka_unit_test_setup(another_precision_has_results_of_its_own, forget_results),
        cmocka_unit_test_setup(another_driver_version_is_said_and_tuned_for_afresh, forget_results),
        cmocka_unit_test_setup(results_for_other_kernels_are_dropped_and_that_is_said, forget_results),
        cmocka_unit_test_setup(a_damaged_file_is_said_left_out_and_kept_aside, forget_results),
        cmocka_unit_test_setup(a_failed_candidate_is_remembered_for_its_problem, forget_results),
        cmocka_unit_test_setup(lines_that_are_no_results_are_noticed, forget_results),
        cmocka_unit_test_setup(a_reason_that_is_no_utf8_is_stored, forget_results),
        cmocka_unit_test_setup(shipped_results_serve_until_the_users_own_win, forget_results),
        cmocka_unit_test(shipped_results_are_of_these_kernels),
        cmocka_unit_test(a_problem_is_its_key),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
