import pytest
import torch

from xverse_chat.engine.cuda.prefill_attention import attend


@pytest.mark.parametrize(("tokens", "length"), [(1, 1), (1, 9), (5, 5), (5, 17), (33, 40)])
def test_each_query_sees_the_tokens_up_to_its_own(tokens: int, length: int) -> None:
    generator = torch.Generator().manual_seed(tokens)
    query = torch.randn(3, tokens, 16, generator=generator)
    keys, values = torch.randn(2, 3, length, 16, generator=generator)
    expected = torch.stack(
        [
            torch.stack(
                [
                    torch.softmax(keys[head, :end].double() @ row.double() / 4, dim=0)
                    @ values[head, :end].double()
                    for end, row in enumerate(query[head], start=length - tokens + 1)
                ]
            )
            for head in range(3)
        ]
    )
    torch.testing.assert_close(attend(query, keys, values).double(), expected, rtol=1e-5, atol=1e-6)
