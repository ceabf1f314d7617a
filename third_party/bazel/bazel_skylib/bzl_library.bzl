"""A library of Starlark files, as far as building needs one."""

def bzl_library(name, srcs = [], visibility = None, **_):
    native.filegroup(name = name, srcs = srcs, visibility = visibility)
