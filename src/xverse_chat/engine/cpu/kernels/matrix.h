// Where the weights lie, as Python tells it.
#pragma once
#include <stdint.h>

// What the values of matrices and of the cache are. The numbers stand in library.py too.
enum Kind : long { CODES_4 = 4, CODES_8 = 8, FLOAT_16 = 16, BFLOAT_16 = 17, FLOAT_32 = 32 };

// A matrix (rows, columns): 4-bit codes, the even column in the low half of a byte, scales and
// zeros for each group; or signed 8-bit codes, one scale for each row and no zeros; or floats.
struct Matrix {
  const void* values;
  const float* scales;
  const uint8_t* zeros;
  long rows;
};

// Matrices of one kind that share their input; their outputs stand side by side.
constexpr long MOST_MATRICES = 3;
struct Product {
  long kind;
  long count;
  long columns;
  Matrix matrices[MOST_MATRICES];
};
