# Something to build that needs nothing but Nix: two paths, one of which refers to the other. Nobody has built them before with this salt.
{ salt }:
let
  make =
    name: script:
    derivation {
      inherit name;
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [
        "-c"
        script
      ];
    };
  library = make "self-test-library" ''echo "${salt}" > "$out"'';
in
make "self-test-program" ''echo "${library} ${salt}" > "$out"''
