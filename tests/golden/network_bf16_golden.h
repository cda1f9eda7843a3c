/* Made by make_network_golden.py --bf16: relative distances of PyTorch's autocast to bfloat16 from double precision,
 * of the first step's logits and gradients; of the latter the root of the mean square of all tensors' distances. */
/* clang-format off */
static const golden_bf16 golden_bf16_networks[] = {
{"resnet18",0.0054302469,0.184790184},
{"resnet50",0.0067477253,0.286757642},
{"cifar20",0.00288832477,0.0745101342},
};
