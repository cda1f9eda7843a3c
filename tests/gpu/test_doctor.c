/* `rncl doctor` on machines that are not well. */
#include "program.h"

/* Takes from root the right to open files against their mode, which others do not have anyhow. */
#define WITHOUT_OVERRIDE "$(test $(id -u) != 0 || echo setpriv --bounding-set -dac_override,-dac_read_search)"

static void a_machine_that_is_well_passes(void **state)
{
    (void)state;
    run_in("RNCL_DOCTOR_ROOT=$PWD", "doctor");
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

static void three_drivers_are_listed_with_what_they_yield(void **state)
{
    (void)state;
    if (system("find /usr/lib -name liboclgrind-rt-icd.so | grep -q .") != 0)
        skip(); /* Oclgrind is not installed */
    shell("mkdir -p three && cp /etc/OpenCL/vendors/pocl.icd three/a.icd && cp three/a.icd three/c.icd && "
          "echo $(find /usr/lib -name liboclgrind-rt-icd.so | head -n 1) > three/b.icd");
    run_in("OCL_ICD_VENDORS=$PWD/three", "doctor");
    expect_status(0);
    shell("test $(grep -c '[abc].icd: .* loads, 1 device$' output) = 3");
    assert_non_null(strstr(result.output, "device     2: Oclgrind"));
    assert_null(strstr(result.output, "device     3: "));
}

static void a_render_node_without_permission_names_the_group(void **state)
{
    (void)state;
    shell("mkdir -p machine/dev/dri && : > machine/dev/dri/renderD128 && : > machine/dev/kfd && "
          "chmod 0 machine/dev/dri/renderD128");
    run_in("RNCL_DOCTOR_ROOT=$PWD/machine " WITHOUT_OVERRIDE, "doctor");
    expect_status(1);
    assert_non_null(strstr(result.output, "/machine/dev/dri/renderD128 cannot be opened: Permission denied\n"
                                          "           -> usermod -a -G render,video "));
    assert_non_null(strstr(result.output, "/machine/dev/kfd can be opened\n"));
    assert_non_null(strstr(result.errors, "1 problem found"));
}

static void a_graphics_card_without_a_driver_names_the_package(void **state)
{
    (void)state;
    shell("mkdir -p card/sys/bus/pci/devices/0000:01:00.0 card/sys/bus/pci/devices/0000:00:1f.3 && "
          "cd card/sys/bus/pci/devices && echo 0x030000 > 0000:01:00.0/class && echo 0x10de > "
          "0000:01:00.0/vendor && echo 0x040300 > 0000:00:1f.3/class && echo 0x8086 > 0000:00:1f.3/vendor");
    run_in("RNCL_DOCTOR_ROOT=$PWD/card", "doctor");
    expect_status(0);
    const char *card =
        strstr(result.output, "NVIDIA's at PCI address 0000:01:00.0: no OpenCL driver shows it\n");
    assert_non_null(card);
    assert_non_null(strstr(card, "-> "));
    assert_null(strstr(result.output, "Intel's at"));
    run_in("RNCL_DOCTOR_ROOT=$PWD/card LD_PRELOAD=" PRETEND_GPU " RNCL_PRETEND=nvidia", "doctor");
    assert_null(strstr(result.output, "no OpenCL driver shows it"));
}

static void a_device_that_does_not_answer_is_one_problem_among_others(void **state)
{
    (void)state;
    run_in("LD_PRELOAD=" FAULT_LAYER " RNCL_FAULT=clGetDeviceInfo:1:-33", "doctor");
    assert_int_not_equal(result.exit_status, 0);
    assert_non_null(strstr(result.output, "-> update the driver of this device"));
    assert_non_null(strstr(result.output, "cache"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_is_well_passes),
        cmocka_unit_test(without_a_driver_it_says_what_to_install),
        cmocka_unit_test(a_driver_file_that_names_nothing_is_told_apart),
        cmocka_unit_test(a_home_that_cannot_be_written_is_said),
        cmocka_unit_test(three_drivers_are_listed_with_what_they_yield),
        cmocka_unit_test(a_render_node_without_permission_names_the_group),
        cmocka_unit_test(a_graphics_card_without_a_driver_names_the_package),
        cmocka_unit_test(a_device_that_does_not_answer_is_one_problem_among_others),
        cmocka_unit_test(an_old_device_is_left_out_with_its_reason),
    };
    return cmocka_run_group_tests_name("doctor", tests, create_folder, remove_folder);
}
