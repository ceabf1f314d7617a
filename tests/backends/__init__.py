"""What every optimizer must do under any backend of Keras: TensorFlow, JAX or PyTorch. Nothing here imports one."""
