// SPDX-License-Identifier: Apache-2.0
// Compiles where the shader compiler knows matrices of VK_KHR_shader_bfloat16.
#version 460
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_EXT_bfloat16 : require
layout(local_size_x = 32) in;
shared uvec4 lines[32];
void main()
{
    coopmat<bfloat16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseA> x;
    coopMatLoad(x, lines, 0, 2, gl_CooperativeMatrixLayoutRowMajor);
    coopMatStore(x, lines, 0, 2, gl_CooperativeMatrixLayoutRowMajor);
}
