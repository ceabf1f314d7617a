"""Mobile models on ImageNet: python -m experiments.imagenet_mobile --data_dir=~/tensorflow_datasets"""

from nos_tf.commands import imagenet

if __name__ == "__main__":
    imagenet.main()
