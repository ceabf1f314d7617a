"""Wide ResNets on CIFAR-10: python -m experiments.cifar10_wide_resnet --data_dir=~/tensorflow_datasets

Where tensorflow-addons is installed, its optimizers are further baselines by default.
"""

from nos_tf.commands import cifar10

if __name__ == "__main__":
    cifar10.wide_resnet()
