# What the demo builds: four derivations with work to do and real references, no nixpkgs needed. `sieve` is a program that is only needed for
# building `primes`; `twins` and `report` refer to `primes`.
let
  shell = name: inputs: script: derivation (inputs // {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-euc" ("PATH=/usr/bin:/bin\n" + script) ];
  });
in
rec {
  sieve = shell "sieve" { } ''
    mkdir -p $out/bin
    cat > $out/bin/sieve <<'END'
    #!/bin/sh
    exec awk -v limit="$1" 'BEGIN {
      for (n = 2; n <= limit; n++) {
        if (composite[n]) { delete composite[n]; continue }
        print n
        for (m = n * n; m <= limit; m += n) composite[m] = 1
      }
    }'
    END
    chmod +x $out/bin/sieve
  '';

  primes = shell "primes" { inherit sieve; } ''
    mkdir $out
    $sieve/bin/sieve 1500000 > $out/primes
  '';

  twins = shell "twins" { inherit primes; } ''
    mkdir $out
    awk '$1 - before == 2 { print before, $1 } { before = $1 }' $primes/primes > $out/twins
    echo "from $primes" > $out/source
  '';

  report = shell "report" { inherit primes twins; } ''
    echo "$(grep -c . $primes/primes) primes, $(grep -c . $twins/twins) pairs of twins" > $out
    echo "see $primes and $twins" >> $out
  '';
}
