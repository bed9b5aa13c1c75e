// A library that is none: it has a function of another name.
extern "C" int cublasNothing() { return 0; }
