/* PyTorch modules, as text: what PyTorch makes of them is compared where there is one
 * (scripts/test-ecosystem). */
#include "export_test.h"

#include "file.h"
#include "pytorch.h"

/* The module of a network, as a string that the caller frees. */
static char *export_text(rncl_network_options options)
{
    test_model m = make_model(options);
    const rncl_exported model = exported(&m);
    rncl_contents contents;
    assert_int_equal(rncl_pytorch_export(&model, "network.py"), RNCL_OK);
    assert_int_equal(rncl_file_read("network.py", &contents), RNCL_OK);
    char *text = strndup((const char *)contents.data, contents.size_bytes);
    assert_non_null(text);
    rncl_contents_free(&contents);
    release_model(&m);
    return text;
}

static void expect_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void the_module_computes_the_network(void **unused)
{
    (void)unused;
    char *text = export_text((rncl_network_options){.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8});
    expect_part(text, "    def forward(self, x0):\n"
                      "        layer = self.get_submodule\n"
                      "        x0 = layer(\"conv1\")(x0)\n"
                      "        x0 = F.relu(layer(\"bn1\")(x0))\n"
                      "        x1 = layer(\"layer1.0.conv1\")(x0)\n"
                      "        x1 = F.relu(layer(\"layer1.0.bn1\")(x1))\n"
                      "        x1 = layer(\"layer1.0.conv2\")(x1)\n"
                      "        x0 = F.relu(layer(\"layer1.0.bn2\")(x1) + x0)\n"
                      "        x1 = layer(\"layer2.0.conv1\")(x0)\n"
                      "        x1 = F.relu(layer(\"layer2.0.bn1\")(x1))\n"
                      "        x1 = layer(\"layer2.0.conv2\")(x1)\n"
                      "        x0 = F.relu(layer(\"layer2.0.bn2\")(x1) + "
                      "F.pad(x0[:, :, ::2, ::2], (0, 0, 0, 0, 0, 16)))\n");
    expect_part(text, "        x0 = F.adaptive_avg_pool2d(x0, 1)\n"
                      "        x0 = layer(\"fc\")(x0.flatten(1))\n"
                      "        return x0\n");
    free(text);
}

static void projections_keep_their_input_until_the_end_of_the_block(void **unused)
{
    (void)unused;
    char *text = export_text((rncl_network_options){.depth = 18, .image = 32});
    expect_part(text, "        x0 = F.max_pool2d(x0, 3, 2, 1)\n");
    expect_part(text, "        x1 = layer(\"layer2.0.downsample.0\")(x0)\n"
                      "        x1 = layer(\"layer2.0.downsample.1\")(x1)\n"
                      "        x0 = layer(\"layer2.0.conv1\")(x0)\n"
                      "        x0 = F.relu(layer(\"layer2.0.bn1\")(x0))\n"
                      "        x0 = layer(\"layer2.0.conv2\")(x0)\n"
                      "        x0 = F.relu(layer(\"layer2.0.bn2\")(x0) + x1)\n");
    free(text);
}

static void the_module_says_how_pictures_are_prepared(void **unused)
{
    (void)unused;
    char *text =
        export_text((rncl_network_options){.arch = RNCL_ARCH_CIFAR_PLAIN, .depth = 8, .channels = 1});
    expect_part(text, "self.add(\"conv1\", nn.Conv2d(1, 16, 3, stride=1, padding=1, bias=False))\n");
    expect_part(text, "IMAGE = 32\nMEAN = [0.5]\nSTD = [0.25]\n"
                      "LABELS = [\"first\",\"zweite \\\"ä\\\"\",\"third\"]\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_module_computes_the_network),
        cmocka_unit_test(projections_keep_their_input_until_the_end_of_the_block),
        cmocka_unit_test(the_module_says_how_pictures_are_prepared),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
