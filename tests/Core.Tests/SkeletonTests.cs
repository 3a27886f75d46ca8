namespace Weir.Core.Tests;

public class SkeletonTests
{
    [Xunit.Fact]
    public void Assembly_Loads() => Xunit.Assert.NotNull(System.Reflection.Assembly.Load("Weir"));
}
