#!/usr/bin/env bash
# SignatureProvider.Verify of IdentityModel refuses a valid signature that lies at an offset other than 0 of its array.
#
# Library: Microsoft.IdentityModel.Tokens 8.23.0 on .NET 10.
# What one would guess: Verify(input, inputOffset, inputLength, signature, signatureOffset, signatureLength) exists so that the text and
#   the decoded signature of a token can stay in one rented buffer, one behind the other; both pairs of numbers are checked against their
#   array, so both are used.
# What happens: inputOffset is honoured, signatureOffset is not: the signature is looked for at 0. With the symmetric, the RSA and the ECDSA
#   provider alike a valid signature at an offset is "invalid", without an exception. Copy the signature into an array of its own.
# Input: one text and its own valid signature, three algorithms; ends within a minute (a cold restore may take longer).
# Output seen (the same line for RS256 and ES256):
#   IdentityModel.Tokens 8.23.0.0, HS256: array of its own valid; text at an offset valid; signature at an offset invalid
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
cat > probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.IdentityModel.Tokens" Version="8.23.0" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

byte[] text = Encoding.ASCII.GetBytes("what is signed");
string version = typeof(SignatureProvider).Assembly.GetName().Version!.ToString();
bool holds = true;
foreach ((string algorithm, SecurityKey key) in new (string, SecurityKey)[]
{
    ("HS256", new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32))),
    ("RS256", new RsaSecurityKey(RSA.Create(2048))),
    ("ES256", new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256))),
})
{
    CryptoProviderFactory factory = new() { CacheSignatureProviders = false };
    byte[] signature = factory.CreateForSigning(key, algorithm, false).Sign(text);
    SignatureProvider verifier = factory.CreateForVerifying(key, algorithm, false);
    byte[] both = [.. text, .. signature]; // one behind the other, as in a decoded token
    byte[] moved = [0, 0, .. text];
    string alone = Said(verifier.Verify(text, 0, text.Length, signature, 0, signature.Length));
    string input = Said(verifier.Verify(moved, 2, text.Length, signature, 0, signature.Length));
    string behind = Said(verifier.Verify(both, 0, text.Length, both, text.Length, signature.Length));
    Console.WriteLine($"IdentityModel.Tokens {version}, {algorithm}: array of its own {alone}; text at an offset {input}; signature at an offset {behind}");
    holds &= alone == "valid" && input == "valid" && behind == "invalid";
}

return holds ? 0 : 3;

static string Said(bool isValid) => isValid ? "valid" : "invalid";
PROGRAM
dotnet build . -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 60 dotnet out/probe.dll || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: a valid signature at an offset of its array is refused, with all three kinds of key"
else
  echo "CHANGED: the offset of the signature is honoured, or another call is judged in another way (exit $status)"
  exit 1
fi
