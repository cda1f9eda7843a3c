/* rncl export, as users run it. */
#include "program.h"

static void export_writes_what_was_asked_for(void **unused)
{
    (void)unused;
    run("train --arch cifar-resnet --depth 8 --steps 1 --batch-size 2 --out run --self-test=off");
    expect_status(0);
    run("export --model run --torch-script-free net.py");
    expect_status(0);
    assert_string_equal(result.output, "net.py\n");
    shell("grep -q 'class Network' net.py && grep -q 'LABELS = \\[\"disc\",' net.py");
    shell("test ! -e net.onnx");
}

static void export_takes_options_of_the_network_and_the_normalisation(void **unused)
{
    (void)unused;
    shell("printf 'one\\ntwo\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\nten\\n' >names");
    run("export --model run/best.safetensors --image 48 --mean 0.25 --std 0.5,0.25,0.125 --labels names "
        "--torch-script-free=other.py");
    expect_status(0);
    shell("grep -qx 'IMAGE = 48' other.py && grep -qx 'MEAN = .0.25, 0.25, 0.25.' other.py");
    shell("grep -qx 'STD = .0.5, 0.25, 0.125.' other.py && grep -q 'LABELS = ..one\",\"two\"' other.py");
}

static void onnx_files_are_written_where_protobuf_is(void **unused)
{
    (void)unused;
    run("export --model run --onnx net.onnx --fold-bn=off --normalise --opset 18");
    if (!RNCL_PROTOBUF) {
        expect_failure(2, "built without protobuf-c");
        return;
    }
    expect_status(0);
    assert_string_equal(result.output, "net.onnx\n");
    shell("grep -q BatchNormalization net.onnx && grep -q 'images/normalised' net.onnx");
    run("export --model run --onnx folded.onnx");
    expect_status(0);
    shell("! grep -q BatchNormalization folded.onnx");
}

static void mistakes_are_named(void **unused)
{
    (void)unused;
    run("export --model run");
    expect_failure(2, "--onnx FILE");
    run("export --onnx net.onnx");
    expect_failure(2, "needs --model");
    run("export --model missing.safetensors --torch-script-free x.py");
    expect_failure(8, "missing.safetensors");
    run("export --model run --onnx x.onnx --opset 16");
    expect_failure(2, "17");
    run("export --model run --torch-script-free nowhere/x.py");
    expect_failure(1, "nowhere/x.py");
    run("export --arch vgg --depth 19 --model run --torch-script-free x.py");
    expect_failure(2, "vgg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(export_writes_what_was_asked_for),
        cmocka_unit_test(export_takes_options_of_the_network_and_the_normalisation),
        cmocka_unit_test(onnx_files_are_written_where_protobuf_is),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
