/* `rncl doctor` on machines that are not well. */
#include "program.h"

static void a_machine_that_is_well_passes(void **state)
{
    (void)state;
    run("doctor");
    expect_status(0);
    assert_non_null(strstr(result.output, "self-test  device 1: right"));
    assert_non_null(strstr(result.output, "all well"));
}

static void without_a_driver_it_says_what_to_install(void **state)
{
    (void)state;
    shell("mkdir -p none");
    run_in("OCL_ICD_VENDORS=$PWD/none", "doctor");
    expect_status(3);
    assert_non_null(strstr(result.output, "has no .icd file"));
    assert_non_null(strstr(result.output, "->"));
}

static void a_driver_file_that_names_nothing_is_told_apart(void **state)
{
    (void)state;
    shell("mkdir -p broken && cp /etc/OpenCL/vendors/pocl.icd broken && echo /nowhere/libnone.so > "
          "broken/none.icd && "
          ": > broken/empty.icd");
    run_in("OCL_ICD_VENDORS=$PWD/broken", "doctor");
    expect_status(1);
    assert_non_null(strstr(result.output, "none.icd: /nowhere/libnone.so: "));
    assert_non_null(strstr(result.output, "empty.icd: : the file is empty"));
    assert_non_null(strstr(result.output, "loads"));
    assert_non_null(strstr(result.errors, "2 problems found"));
}

static void a_home_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    run_in("-u XDG_CACHE_HOME POCL_CACHE_DIR=$PWD HOME=/proc/none", "doctor");
    expect_status(1);
    assert_non_null(strstr(result.output, "no place for compiled programs (HOME is /proc/none)"));
}

static void an_old_device_is_left_out_with_its_reason(void **state)
{
    (void)state;
    run_in("LD_PRELOAD=" PRETEND_GPU " RNCL_PRETEND=old", "doctor");
    expect_status(3);
    assert_non_null(strstr(result.output, "left out: Old GPU: it has OpenCL before 1.2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_is_well_passes),
        cmocka_unit_test(without_a_driver_it_says_what_to_install),
        cmocka_unit_test(a_driver_file_that_names_nothing_is_told_apart),
        cmocka_unit_test(a_home_that_cannot_be_written_is_said),
        cmocka_unit_test(an_old_device_is_left_out_with_its_reason),
    };
    return cmocka_run_group_tests_name("doctor", tests, create_folder, remove_folder);
}
