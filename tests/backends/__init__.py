"""What every optimizer must do on every backend of Keras: TensorFlow, JAX and PyTorch."""
