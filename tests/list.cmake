# Every test by name. A script test says in its first lines what it proves.

# ---- one file per part ------------------------------------------------------------------------------
compiler_test(test_base unit/test_base.c)
compiler_test(test_syntax unit/test_syntax.c)
compiler_test(test_check unit/test_check.c)
compiler_test(test_derive unit/test_derive.c)
compiler_test(test_errors unit/test_errors.c)
compiler_test(test_lower unit/test_lower.c)
foreach(part core math optim infer weights moves mixture mode climb)
  runtime_test(test_rt_${part} unit/test_rt_${part}.c)
endforeach()
foreach(part data npz json source checkpoint train)
  runtime_test(test_rt_${part} unit/test_rt_${part}.c)
endforeach()

# ---- laws: loops over the tables ------------------------------------------------------------------------
# The reference interpreter compiles the C texts of ops.def with the runtime's mathematics.
add_executable(interp_gen laws/interp_gen.c)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/interp_ops.h
  COMMAND interp_gen > ${CMAKE_CURRENT_BINARY_DIR}/interp_ops.h
  DEPENDS interp_gen ${CMAKE_SOURCE_DIR}/compiler/ops.def VERBATIM)
set(INTERP laws/interp.c ${CMAKE_CURRENT_BINARY_DIR}/interp_ops.h
  ${CMAKE_SOURCE_DIR}/runtime/math/special.c ${CMAKE_SOURCE_DIR}/runtime/math/incomplete.c
  ${CMAKE_SOURCE_DIR}/runtime/math/bessel.c)

function(law_program name)
  compiler_program(${name} ${ARGN} ${INTERP})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
  target_compile_definitions(${name} PRIVATE DGM_F64)
endfunction()

function(law_test name)
  law_program(${name} ${ARGN})
  dgm_test(${name} ${name})
endfunction()

law_test(test_ops laws/test_ops.c laws/law.c)
law_test(test_rewrites laws/test_rewrites.c laws/law.c)
law_program(test_dists laws/test_dists.c laws/bench.c)
foreach(part 0 1 2 3)                  # the laws in four parts: each some minutes on a slow machine
  dgm_test(test_dists_${part} test_dists ${part}/4)
  set_tests_properties(test_dists_${part} PROPERTIES TIMEOUT 1200)
endforeach()
law_test(test_supports laws/test_supports.c)
law_test(test_tensor unit/test_tensor.c laws/law.c)
law_test(test_emit unit/test_emit.c structure/emit_case.c)
set_tests_properties(test_emit PROPERTIES LABELS long TIMEOUT 2400)
runtime_test(test_kernels laws/test_kernels.c)

# ---- the tree itself --------------------------------------------------------------------------------------
script_test(layering layering.sh)
script_test(width width.sh)

# ---- end to end ---------------------------------------------------------------------------------------------
add_executable(exact systems/exact.c)
target_link_libraries(exact PRIVATE ${JANSSON} ${OPENBLAS} m)
foreach(system vae check_grad linear_vae regression logistic compilers own_files corners hostile manual
    log_prob run noncentered noncentered_steps enumeration equations joint partial automatic stochastic
    estimators estimators_exact families ode simulate report states picked mixtures cells edges cut open supports
    arguments positions sizes faults nan progress posterior posterior_files modes labels moved far heldout evidence)
  script_test(system_${system} systems/${system}.sh)
endforeach()
add_executable(ranks systems/ranks.c)
target_link_libraries(ranks PRIVATE ${JANSSON} m)
add_executable(points systems/points.c)
target_link_libraries(points PRIVATE ${JANSSON} m)
script_test(system_posteriordb systems/posteriordb.sh)
script_test(system_posteriordb_all systems/posteriordb.sh all)
set_tests_properties(system_posteriordb_all PROPERTIES LABELS long TIMEOUT 5400)
script_test(system_models systems/models.sh)
set_tests_properties(system_models PROPERTIES LABELS long TIMEOUT 2400)
script_test(system_sbc systems/sbc.sh)               # 1,200 fits
set_tests_properties(system_sbc PROPERTIES LABELS long TIMEOUT 2400)
script_test(system_faults_all systems/faults.sh all)
set_tests_properties(system_faults_all PROPERTIES LABELS long TIMEOUT 1200)

# ---- fuzz -----------------------------------------------------------------------------------------------------
foreach(reader npy npz idx csv json safetensors)
  fuzz_test(${reader} dgm_f64 200)
endforeach()
fuzz_test(parse compiler 40)
set_tests_properties(system_compilers system_check_grad system_enumeration system_equations
  system_estimators system_faults PROPERTIES TIMEOUT 1200)

# ---- the yardstick: tests/bench times vae_hand.c beside generated code; here its gradient is checked -------
add_executable(vae_hand bench/vae_hand.c)
target_link_libraries(vae_hand PRIVATE dgm_f32)
target_compile_options(vae_hand PRIVATE ${RUNTIME_FLAGS})
add_executable(vae_hand_f64 bench/vae_hand.c)
target_compile_definitions(vae_hand_f64 PRIVATE P=64 H=20 D=3)
target_link_libraries(vae_hand_f64 PRIVATE dgm_f64)
dgm_test(vae_hand_check_grad vae_hand_f64 check-grad
  --data x=${CMAKE_SOURCE_DIR}/examples/data/optdigits.tra.csv.gz:0-63 --binarise threshold)
