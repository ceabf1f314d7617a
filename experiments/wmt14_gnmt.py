"""GNMT on WMT'14 English-German: python -m experiments.wmt14_gnmt --data_dir=~/tensorflow_datasets"""

from nos_tf.commands import gnmt

if __name__ == "__main__":
    gnmt.main()
