namespace Weir.LoadTest.Measuring;

/// <summary>Collects what was demanded and whether it held; the exit code of a run.</summary>
internal sealed class Verdict(TextWriter output)
{
    public int ExitCode { get; private set; }

    public void Require(bool holds, string what)
    {
        output.WriteLine($"{(holds ? "ok    " : "FAILED")} {what}");
        ExitCode = holds ? ExitCode : 1;
    }
}
