"""What every optimizer must do under whatever backend Keras runs on: TensorFlow, JAX or PyTorch. Nothing imports one."""
