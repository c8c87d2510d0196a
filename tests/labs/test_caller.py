"""Values cross by copy, objects by handle, recipes are built on the far side."""

import pytest
import torch

from coursekit.labs import Handle, LocalCaller, Recipe, StudentError

MODEL = Recipe("coursekit.models:MLP", ([3, 4, 2],), seed=1, dtype="float64")


def test_a_recipe_builds_the_same_model_each_time():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    one, two = MODEL.build().state_dict(), MODEL.build().state_dict()
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert one["linear1.weight"].dtype == torch.float64
    assert torch.equal(torch.rand(2), expected)


def test_a_recipe_loads_a_state():
    state = {k: torch.zeros_like(v) for k, v in MODEL.build().state_dict().items()}
    built = Recipe("coursekit.models:MLP", ([3, 4, 2],), state=state).build()
    assert not any(p.any() for p in built.parameters())


def test_a_recipe_can_hand_in_the_function_itself():
    from coursekit.init import he_normal

    assert Recipe("coursekit.init:he_normal", call=False).build() is he_normal


@pytest.mark.parametrize("target", ["os:system", "coursekitten:x", "coursekit.init"])
def test_a_recipe_names_only_the_package(target):
    with pytest.raises(ValueError, match=r"coursekit\.module:name"):
        Recipe(target).build()


def test_arguments_are_copies_and_can_be_looked_at_afterwards():
    def change(x, numbers):
        x.add_(1)
        numbers.append(3)
        return x

    x, numbers = torch.zeros(2), [1]
    caller = LocalCaller(change)
    assert torch.equal(caller(x, numbers), torch.ones(2))
    assert not x.any()
    assert numbers == [1]
    after = caller.inputs_after()
    assert torch.equal(after[0], torch.ones(2))
    assert after[1] == [1, 3]


def test_objects_stay_behind_a_handle():
    caller = LocalCaller(lambda model: model)
    handle = caller(MODEL)
    assert isinstance(handle, Handle)
    assert handle.type_name == "MLP"
    handle.state()["linear1.weight"].zero_()
    assert handle.state()["linear1.weight"].any()
    out = handle.call("forward", torch.zeros(1, 3, dtype=torch.float64))
    assert out.shape == (1, 2)
    assert not out.requires_grad
    assert caller.inputs_after()[0].type_name == "MLP"
    with pytest.raises(StudentError) as caught:
        handle.call("no_such_method")
    assert caught.value.type_name == "AttributeError"


def test_a_handle_on_no_module_has_no_state():
    handle = LocalCaller(lambda: object())()
    assert handle.state() == {}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotImplementedError(), "missing"),
        (RecursionError(), "recursion"),
        (MemoryError(), "memory"),
        (KeyError("x"), "raised"),
    ],
)
def test_errors_arrive_with_their_kind(error, kind):
    def fail():
        raise error

    with pytest.raises(StudentError) as caught:
        LocalCaller(fail)()
    assert caught.value.kind == kind
    assert caught.value.line == fail.__code__.co_firstlineno + 1
