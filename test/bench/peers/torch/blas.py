"""Which kernels and how many threads the OpenBLAS of this process has, as words; nothing where there is none."""

import ctypes


def blas():
    try:
        library = ctypes.CDLL('libopenblas.so.0')
    except OSError:
        return ''
    library.openblas_get_corename.restype = ctypes.c_char_p
    threads = library.openblas_get_num_threads()
    return f"OpenBLAS {library.openblas_get_corename().decode()}, {threads} thread{'s' if threads > 1 else ''}"
