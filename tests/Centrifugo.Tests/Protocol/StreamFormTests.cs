using System.Text;
using Weir.Protocols.Centrifugo.Protocol;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Protocol;

public sealed class StreamFormTests
{
    [Theory]
    [InlineData(StreamForm.Events, "{}", "data: {}\n\n")]
    [InlineData(StreamForm.Events, "{1}\n{2}", "data: {1}\ndata: {2}\n\n")]
    [InlineData(StreamForm.Lines, "{}", "{}\n")]
    [InlineData(StreamForm.Lines, "{1}\n{2}", "{1}\n{2}\n")]
    public void Lines_AreSplit(object form, string lines, string expected)
        => Assert.Equal(expected, Encoding.UTF8.GetString(StreamForms.Format((StreamForm)form, Encoding.UTF8.GetBytes(lines))));
}
