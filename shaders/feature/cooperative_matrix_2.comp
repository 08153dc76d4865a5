// SPDX-License-Identifier: Apache-2.0
// Compiles where the shader compiler knows VK_NV_cooperative_matrix2, and bf16 in its matrices.
#version 460
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_EXT_bfloat16 : require
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) buffer Elements { bfloat16_t at[]; };
bfloat16_t keep(const in uint row, const in uint column, const in bfloat16_t element)
{
    return element;
}
void main()
{
    coopmat<bfloat16_t, gl_ScopeWorkgroup, 32, 32, gl_MatrixUseA> x;
    tensorLayoutNV<2> tensor = createTensorLayoutNV(2);
    coopMatLoadTensorNV(x, at, 0, tensor);
    coopMatPerElementNV(x, x, keep);
    coopMatStoreTensorNV(x, at, 0, tensor);
}
